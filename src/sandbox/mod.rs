//! HTTP stand-ins for the services that a laptop has no account with. There are none in production.

pub mod stripe;

use std::net::SocketAddr;
use std::path::Path;

use url::Url;
use web::config::Mode;

use stripe::{Sandbox, WebhookTarget};

/// The variable that says where the stand-ins listen.
pub const SANDBOX_ADDR: &str = "HEYCMO_SANDBOX_ADDR";
/// Where they listen when nothing is said.
pub const DEFAULT_SANDBOX_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8789);

/// Opens the stand-in for Stripe on the data of earlier runs. `origin` is where it will be served, and `webhook` the
/// gateway's route for Stripe's events.
///
/// # Errors
///
/// In production, and when its file cannot be read or written.
pub fn open_stripe(mode: Mode, data_dir: &Path, origin: Url, webhook: WebhookTarget) -> Result<Sandbox, String> {
    if mode == Mode::Production {
        return Err("there is no Stripe sandbox in production: set STRIPE_SECRET_KEY".to_owned());
    }
    Sandbox::open(&data_dir.join(stripe::FILE), origin, webhook).map_err(|error| {
        format!("cannot open the Stripe sandbox: {error}. Set HEYCMO_DATA_DIR to a directory that can be written.")
    })
}
