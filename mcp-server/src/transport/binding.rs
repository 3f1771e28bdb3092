//! Session ids that only their customer can use: what leaves is the id and a MAC over the id and the customer.
//!
//! Nothing has to be stored for it, so it holds on every process and after every restart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::ids::CustomerId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::config::BindingKey;

/// Keeps these MACs apart from whatever else the same key may ever sign.
const PURPOSE: &[u8] = b"mcp session id";
/// Ids are made by rmcp and have 36 characters.
const MAX_ID: usize = 64;

/// Binds ids and checks bound ones.
#[derive(Clone)]
pub(super) struct Binding(Hmac<Sha256>);

impl Binding {
    /// Nothing if the key cannot be used, which a key of 32 bytes can.
    pub(super) fn new(key: &BindingKey) -> Option<Self> {
        Hmac::new_from_slice(key.expose()).ok().map(Self)
    }

    fn mac(&self, id: &str, customer: &CustomerId) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        // A zero byte occurs in none of the parts, so no two triples are the same text.
        for part in [PURPOSE, id.as_bytes(), customer.as_str().as_bytes()] {
            mac.update(part);
            mac.update(&[0]);
        }
        mac
    }

    /// The id as the customer's client is given it.
    pub(super) fn bind(&self, id: &str, customer: &CustomerId) -> String {
        let tag = self.mac(id, customer).finalize().into_bytes();
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The id inside, if it was given to this customer.
    pub(super) fn open<'a>(&self, bound: &'a str, customer: &CustomerId) -> Option<&'a str> {
        let (id, tag) = bound.split_once('.')?;
        if id.len() > MAX_ID {
            return None;
        }
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.mac(id, customer).verify_slice(&tag).ok()?;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_opens_for_its_customer_under_its_key_only() {
        let ours = Binding::new(&BindingKey::from([1; 32])).unwrap();
        let theirs = Binding::new(&BindingKey::from([2; 32])).unwrap();
        let (alice, bob) = (CustomerId::new(), CustomerId::new());
        let bound = ours.bind("an-id", &alice);
        assert_eq!(ours.open(&bound, &alice), Some("an-id"));
        assert_eq!(ours.open(&bound, &bob), None);
        assert_eq!(theirs.open(&bound, &alice), None);
        assert_eq!(ours.open(&bound.replace("an-id", "another"), &alice), None);
        for malformed in ["", "an-id", "an-id.", ".", "an-id.????", &bound[..bound.len() - 1]] {
            assert_eq!(ours.open(malformed, &alice), None, "{malformed}");
        }
    }
}
