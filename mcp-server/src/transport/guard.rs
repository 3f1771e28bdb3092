//! Host and Origin checks against DNS rebinding: a web page must not reach this server through a name it made up, nor
//! with a browser's help from an origin we do not know.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::refusal::Refusal;

/// What requests may say they were sent to and come from.
#[derive(Debug, Default)]
pub(super) struct Guard {
    hosts: Vec<Host>,
    origins: Vec<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Any,
    Only(u16),
}

#[derive(Debug)]
struct Host {
    name: String,
    port: Port,
}

#[derive(Debug)]
struct Origin {
    scheme: String,
    name: String,
    port: Port,
}

impl Guard {
    /// Entries that make no sense allow nothing.
    pub(super) fn new(hosts: &[String], origins: &[String]) -> Self {
        Self {
            hosts: hosts.iter().filter_map(|host| Host::parse(host)).collect(),
            origins: origins.iter().filter_map(|origin| Origin::parse(origin)).collect(),
        }
    }

    /// The same origins with every port spelled out, which is the form rmcp wants.
    pub(super) fn explicit_origins(&self) -> Vec<String> {
        self.origins.iter().map(Origin::spelled_out).collect()
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.is_our_host(uri, headers) {
            return Err(forbidden("host_not_allowed", "This server does not answer to that host name"));
        }
        if !self.is_known_origin(headers) {
            return Err(forbidden("origin_not_allowed", "Web pages of that origin may not call this server"));
        }
        Ok(())
    }

    fn is_our_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let named = match only(headers, &HOST) {
            Ok(Some(host)) => host.to_str().ok().and_then(|host| host.parse().ok()),
            // HTTP/2 has the host in `:authority`.
            Ok(None) => uri.authority().cloned(),
            Err(Repeated) => None,
        };
        named.is_some_and(|authority: Authority| self.hosts.iter().any(|host| host.matches(&authority)))
    }

    fn is_known_origin(&self, headers: &HeaderMap) -> bool {
        match only(headers, &ORIGIN) {
            Ok(None) => true,
            Ok(Some(origin)) => self.origins.iter().any(|known| known.matches(origin)),
            Err(Repeated) => false,
        }
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.trim().parse().ok()?;
        let port = authority.port_u16().map_or(Port::Any, Port::Only);
        Some(Self { name: bare(authority.host()), port })
    }

    fn matches(&self, authority: &Authority) -> bool {
        self.name == bare(authority.host()) && self.port.allows(authority.port_u16())
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (text, any_port) = match text.trim().strip_suffix(":*") {
            Some(base) => (base, true),
            None => (text.trim(), false),
        };
        let (scheme, name, port) = parts(text)?;
        let port = if any_port { Port::Any } else { Port::Only(port?) };
        Some(Self { scheme, name, port })
    }

    fn matches(&self, origin: &HeaderValue) -> bool {
        let Some((scheme, name, port)) = origin.to_str().ok().and_then(parts) else { return false };
        self.scheme == scheme && self.name == name && self.port.allows(port)
    }

    fn spelled_out(&self) -> String {
        let name = if self.name.contains(':') { format!("[{}]", self.name) } else { self.name.clone() };
        match self.port {
            Port::Any => format!("{}://{name}:*", self.scheme),
            Port::Only(port) => format!("{}://{name}:{port}", self.scheme),
        }
    }
}

impl Port {
    fn allows(self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => port == Some(only),
        }
    }
}

/// Scheme, name and port of an origin, the port being the scheme's own where none is named. `null` has none of it.
fn parts(origin: &str) -> Option<(String, String, Option<u16>)> {
    let uri: Uri = origin.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let port = authority.port_u16().or(match scheme.as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    });
    Some((scheme, bare(authority.host()), port))
}

/// A name for comparing: lower case, and an IPv6 address without its brackets.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

struct Repeated;

/// A header that may be there once. Two proxies that disagree about it must not be played against each other.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

fn forbidden(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

/// The check as middleware, in front of every route of the transports.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(guard: &Guard, headers: &[(HeaderName, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        guard.check(&Uri::from_static("/mcp"), &map).is_ok()
    }

    fn guard() -> Guard {
        let hosts = ["heycmo.ai", "localhost:8080", "[::1]"].map(str::to_owned);
        let origins = ["https://heycmo.ai", "http://localhost:*", "nonsense"].map(str::to_owned);
        Guard::new(&hosts, &origins)
    }

    #[test]
    fn hosts_are_compared_by_name_and_by_port_where_one_is_configured() {
        for host in ["heycmo.ai", "HeyCMO.ai:443", "localhost:8080", "[::1]:9999"] {
            assert!(passes(&guard(), &[(HOST, host)]), "{host}");
        }
        for host in ["evil.example", "localhost", "localhost:8081", "heycmo.ai.evil.example", "", "a b"] {
            assert!(!passes(&guard(), &[(HOST, host)]), "{host}");
        }
        assert!(!passes(&guard(), &[]));
        assert!(!passes(&guard(), &[(HOST, "heycmo.ai"), (HOST, "heycmo.ai")]));
        assert!(!passes(&Guard::default(), &[(HOST, "heycmo.ai")]));
    }

    #[test]
    fn origins_must_be_known_when_there_is_one() {
        for origin in ["https://heycmo.ai", "https://HEYCMO.ai:443", "http://localhost:5173", "http://localhost"] {
            assert!(passes(&guard(), &[(HOST, "heycmo.ai"), (ORIGIN, origin)]), "{origin}");
        }
        for origin in ["null", "http://heycmo.ai", "https://heycmo.ai:8443", "https://evil.example", "", "nonsense"] {
            assert!(!passes(&guard(), &[(HOST, "heycmo.ai"), (ORIGIN, origin)]), "{origin}");
        }
        let twice = [(HOST, "heycmo.ai"), (ORIGIN, "https://heycmo.ai"), (ORIGIN, "https://heycmo.ai")];
        assert!(!passes(&guard(), &twice));
    }

    #[test]
    fn rmcp_gets_origins_with_their_ports() {
        assert_eq!(guard().explicit_origins(), ["https://heycmo.ai:443", "http://localhost:*"]);
    }
}
