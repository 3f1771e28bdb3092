//! Who is calling: what the key check knows, carried in the request's extensions.

use chrono::{DateTime, Utc};
use entity::ids::{CustomerId, KeyId};

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
}
