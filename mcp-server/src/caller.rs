//! Who is calling: what the check of the credential knows, carried in the request's extensions.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::ids::{CustomerId, GrantId, KeyId};
use entity::scopes::Scopes;
use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use rmcp::model::Extensions;

/// What opened something, and what therefore ends with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A key of the customer's.
    Key(KeyId),
    /// What the customer has let an app do. Its access tokens come and go.
    Grant(GrantId),
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => id.fmt(f),
            Self::Grant(id) => id.fmt(f),
        }
    }
}

/// A customer whose credential was accepted, as every tool, prompt and resource sees it.
///
/// Put into the HTTP request's extensions by the check of the credential; rmcp carries those to the handler on both
/// transports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose data this is.
    pub customer_id: CustomerId,
    /// What let the caller in.
    pub credential: Credential,
    /// What the caller may do.
    pub scopes: Scopes,
    /// When the key or access token that was presented stops working, if ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// In which times are told.
    pub time_zone: Tz,
}

impl Caller {
    /// The caller of a request, from what the transport put beside it.
    ///
    /// # Errors
    ///
    /// When the check did not run, which is a fault of ours.
    pub fn of(extensions: &Extensions) -> Result<Self, ErrorData> {
        let parts = extensions.get::<http::request::Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Self>());
        caller.cloned().ok_or_else(|| ErrorData::internal_error("the caller is not known", None))
    }

    /// When what the caller opened ends by itself. An app goes on with its next access token, so what it opened ends
    /// with its grant and not with a token.
    #[must_use]
    pub const fn ends_at(&self) -> Option<DateTime<Utc>> {
        match self.credential {
            Credential::Key(_) => self.expires_at,
            Credential::Grant(_) => None,
        }
    }
}

impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        Self::of(&context.as_request_context().extensions)
    }
}
