//! Who is calling: what the key check knows, carried in the request's extensions.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::ids::{CustomerId, KeyId};
use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use rmcp::model::Extensions;

/// A customer whose key was accepted, as every tool, prompt and resource sees it.
///
/// Put into the HTTP request's extensions by the key check; rmcp carries those to the handler on both transports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose data this is.
    pub customer_id: CustomerId,
    /// The key that was presented.
    pub key_id: KeyId,
    /// When the key stops working, if ever.
    pub key_expires_at: Option<DateTime<Utc>>,
    /// In which times are told.
    pub time_zone: Tz,
}

impl Caller {
    /// The caller of a request, from what the transport put beside it.
    ///
    /// # Errors
    ///
    /// When the key check did not run, which is a fault of ours.
    pub fn of(extensions: &Extensions) -> Result<Self, ErrorData> {
        let parts = extensions.get::<http::request::Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Self>());
        caller.cloned().ok_or_else(|| ErrorData::internal_error("the caller is not known", None))
    }
}

impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        Self::of(&context.as_request_context().extensions)
    }
}
