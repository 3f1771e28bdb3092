//! The pages of an account: what its owner sees and does with a session, or a script with a key.

pub mod activity;
mod calendar;
pub mod connections;
pub mod content;
pub mod keys;
pub mod live;
pub mod overview;
pub mod piece;
pub mod reports;
mod said;
pub mod scans;

use axum::response::Response;
use chrono_tz::Tz;
use entity::customers::Customer;
use entity::db::Db;
use entity::events;
use entity::ids::{CustomerId, EventId};
use minijinja::{Value, context};
use serde::Deserialize;
use web::ApiError;

use super::Site;

/// Where the pages of an account begin.
pub fn home(customer_id: &CustomerId) -> String {
    format!("/api/dashboard/{customer_id}")
}

/// The page that something is decided on, when that is not its own.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CameFrom {
    Overview,
}

/// What the rail leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Overview,
    Content,
    Scans,
    Reports,
    Connections,
    Activity,
    Keys,
}

impl Section {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Content => "content",
            Self::Scans => "scans",
            Self::Reports => "reports",
            Self::Connections => "connections",
            Self::Activity => "activity",
            Self::Keys => "keys",
        }
    }
}

/// What stands around each of these pages.
struct Frame {
    section: Section,
    home: String,
    brand_name: Option<String>,
    /// The zone that times are shown and read in.
    zone: Tz,
    /// The newest event that the page can know of: what comes after it comes live.
    newest: Option<EventId>,
}

impl Frame {
    /// To be read before whatever else the page shows, so that nothing falls between the page and what follows it live.
    async fn read(db: &Db, customer: &Customer, section: Section) -> Result<Self, ApiError> {
        let newest = events::latest(db, &customer.id).await?.map(|event| event.id);
        Ok(Self {
            section,
            home: home(&customer.id),
            brand_name: customer.brand_name.clone(),
            zone: customer.zone(),
            newest,
        })
    }

    /// The page, with these values of its own.
    fn page(&self, site: &Site, template: &str, values: Value) -> Result<Response, ApiError> {
        let frame = context! {
            section => self.section.as_str(),
            home => self.home.as_str(),
            brand_name => self.brand_name.clone(),
            zone => self.zone.name(),
            newest => self.newest.as_ref().map(EventId::as_str),
        };
        site.page(template, context! { frame, ..values })
    }
}
