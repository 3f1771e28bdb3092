use entity::customers::{self, Customer, NewCustomer};
use entity::db::Db;
use entity::ids::CustomerId;
use entity::keys::PlainKey;

/// A new customer and their key.
pub async fn a_customer(db: &Db) -> (Customer, PlainKey) {
    let new = NewCustomer { email: an_email(), ..NewCustomer::default() };
    customers::provision(db, new).await.expect("a valid customer is provisioned")
}

/// An e-mail address that no other test uses.
#[must_use]
pub fn an_email() -> String {
    format!("{}@example.com", CustomerId::new().as_str().to_lowercase())
}
