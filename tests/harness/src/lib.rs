#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: whatever goes wrong here fails the test that wanted it"
)]

pub mod clients;
pub mod collector;
mod fixtures;
mod inspect;
pub mod mcp;
pub mod model;
mod patience;
mod postgres;
pub mod process;
mod proxy;
mod test_db;

pub use fixtures::{a_customer, an_email};
pub use patience::{PATIENCE, eventually};
pub use proxy::Proxy;
pub use test_db::{Backend, TestDb};

/// Makes of each named `async fn(TestDb)` a test on every database: `<name>::sqlite` and `<name>::postgres`.
///
/// A function that is forgotten in the list is dead code, which the compiler tells.
#[macro_export]
macro_rules! on_each_database {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::TestDb::migrated($crate::Backend::Sqlite).await).await;
            }

            #[cfg(feature = "postgres")]
            #[tokio::test]
            async fn postgres() {
                super::$name($crate::TestDb::migrated($crate::Backend::Postgres).await).await;
            }
        }
    )*};
}
