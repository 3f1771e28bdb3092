//! Where answers to an app may go.
//!
//! To a site over TLS; to a program on the person's own machine, over http on the loopback interface, at whichever port it
//! listens this time (RFC 8252, 7.3); or to an app by a scheme of its own, which by RFC 8252, 7.1 has the app's domain in
//! it and so a dot, except for the editors that are known to use another. Everything else a browser would run or open.

use std::fmt;

use url::{Host, Url};

const MAX_CHARS: usize = 500;
/// Schemes without a dot, of editors.
const EDITORS: [&str; 4] = ["cursor", "vscode", "vscode-insiders", "windsurf"];

/// What is at the other end, as a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A program on the person's own machine.
    ThisComputer,
    /// A site, by its name.
    Site(String),
    /// An app, by its scheme.
    App(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThisComputer => f.write_str("a program on this computer"),
            Self::Site(host) => f.write_str(host),
            Self::App(scheme) => write!(f, "the app that opens {scheme}: links"),
        }
    }
}

/// What an address leads to; none where no answer may go.
pub fn place(address: &str) -> Option<Place> {
    let url = Url::parse(address).ok()?;
    let is_plain = address.len() <= MAX_CHARS
        && !address.chars().any(|character| character.is_control() || character.is_whitespace() || character == '\\')
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && has_plain_name(&url);
    if !is_plain {
        return None;
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) if is_loopback(&url) => Some(Place::ThisComputer),
        ("https", Some(host)) => Some(Place::Site(host.to_string())),
        ("http", Some(_)) if is_loopback(&url) => Some(Place::ThisComputer),
        ("http" | "https", _) => None,
        (scheme, _) if scheme.contains('.') || EDITORS.contains(&scheme) => Some(Place::App(scheme.to_owned())),
        _ => None,
    }
}

/// Names may hold quotes and semicolons as far as the URL standard is concerned. In a policy of ours they would say more
/// than a name.
fn has_plain_name(url: &Url) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !matches!(url.host(), Some(Host::Domain(name)) if !name.bytes().all(is_plain))
}

/// The host in an address that an answer may go to, where it has one.
pub fn host(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an answer may go to this address, as the app registered its own: the same to the letter, but for the port on
/// the person's own machine.
pub fn is_registered(registered: &[String], address: &str) -> bool {
    place(address).is_some() && registered.iter().any(|known| known == address || differs_in_port(known, address))
}

fn differs_in_port(known: &str, address: &str) -> bool {
    let without_port = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && is_loopback(url))?;
        url.set_port(None).ok()?;
        Some(url)
    };
    matches!((without_port(known), without_port(address)), (Some(known), Some(address)) if known == address)
}

/// What a Content-Security-Policy has to allow for a form to lead there.
pub fn form_target(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    match (url.scheme(), url.host()) {
        // The grammar of policies has no word for an address of IPv6.
        ("http" | "https", Some(Host::Ipv6(_))) | (_, None) => Some(format!("{}:", url.scheme())),
        ("http" | "https", Some(_)) => Some(url.origin().ascii_serialization()),
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// The address with an answer in it.
pub fn with_answer(address: &str, answer: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    url.query_pairs_mut().extend_pairs(answer);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_only_where_an_app_can_be() {
        let site = |host: &str| Some(Place::Site(host.to_owned()));
        let app = |scheme: &str| Some(Place::App(scheme.to_owned()));
        for (address, expected) in [
            ("https://claude.ai/api/mcp/auth_callback", site("claude.ai")),
            ("https://CLAUDE.ai/callback?a=b", site("claude.ai")),
            ("http://localhost:3118/callback", Some(Place::ThisComputer)),
            ("http://127.0.0.1/callback", Some(Place::ThisComputer)),
            ("http://[::1]:9/callback", Some(Place::ThisComputer)),
            ("https://localhost:1/callback", Some(Place::ThisComputer)),
            ("cursor://anysphere.cursor-mcp/oauth/callback", app("cursor")),
            ("com.raycast:/oauth", app("com.raycast")),
            ("", None),
            ("/callback", None),
            ("http://claude.ai/callback", None),
            ("http://localhost.evil.example/callback", None),
            ("http://127.0.0.1.evil.example/", None),
            ("http://10.0.0.1/callback", None),
            ("https://claude.ai/callback#part", None),
            ("https://anna@claude.ai/callback", None),
            ("https://claude.ai\\@evil.example/", None),
            ("https://evil.example/\ncallback", None),
            ("https://evil.example\"/callback", None),
            ("https://evil.example;sandbox/callback", None),
            ("https://a,b.example/callback", None),
            ("javascript:alert(1)", None),
            ("data:text/html,hello", None),
            ("file:///etc/passwd", None),
            ("blob:https://claude.ai/1", None),
            ("view-source:https://claude.ai/", None),
            ("mailto:anna@example.com", None),
        ] {
            assert_eq!(place(address), expected, "{address}");
        }
        assert_eq!(place(&format!("https://claude.ai/{}", "x".repeat(MAX_CHARS))), None);
    }

    #[test]
    fn an_address_is_the_registered_one_to_the_letter_but_for_the_port_at_home() {
        let registered = ["https://claude.ai/callback", "http://127.0.0.1:3000/callback", "http://localhost/cb?a=b"];
        let registered = registered.map(str::to_owned);
        for good in [
            "https://claude.ai/callback",
            "http://127.0.0.1:3000/callback",
            "http://127.0.0.1:49152/callback",
            "http://127.0.0.1/callback",
            "http://localhost:7/cb?a=b",
        ] {
            assert!(is_registered(&registered, good), "{good}");
        }
        for wrong in [
            "https://claude.ai/callback/",
            "https://claude.ai/callback?",
            "https://claude.ai/callback?a=b",
            "https://claude.ai:8443/callback",
            "https://claude.ai/callback/../evil",
            "https://claude.ai.evil.example/callback",
            "https://evil.example/callback",
            "http://claude.ai/callback",
            "http://localhost:3000/callback",
            "http://127.0.0.2:3000/callback",
            "http://127.0.0.1:3000/other",
            "http://localhost:7/cb",
            "https://127.0.0.1:3000/callback",
        ] {
            assert!(!is_registered(&registered, wrong), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_added_to_what_the_address_has() {
        let answer = [("code", "a&b"), ("state", "c d")];
        for (address, expected) in [
            ("https://claude.ai/cb", "https://claude.ai/cb?code=a%26b&state=c+d"),
            ("http://localhost:7/cb?a=b", "http://localhost:7/cb?a=b&code=a%26b&state=c+d"),
            ("cursor://anysphere.cursor-mcp/cb", "cursor://anysphere.cursor-mcp/cb?code=a%26b&state=c+d"),
            ("com.raycast:/oauth", "com.raycast:/oauth?code=a%26b&state=c+d"),
        ] {
            assert_eq!(with_answer(address, &answer).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_form_may_lead_to_the_app_and_nowhere_else() {
        for (address, expected) in [
            ("https://claude.ai/cb", "https://claude.ai"),
            ("http://localhost:7/cb", "http://localhost:7"),
            ("http://[::1]:7/cb", "http:"),
            ("cursor://anysphere.cursor-mcp/cb", "cursor:"),
            ("com.raycast:/oauth", "com.raycast:"),
        ] {
            assert_eq!(form_target(address).as_deref(), Some(expected));
        }
    }
}
