//! LinkedIn, which tells nobody but its partners how a person's posts do.

use async_trait::async_trait;
use serde_json::json;

use super::{Asked, Reading, Source};
use crate::Result;
use crate::reply::text;

pub(super) struct Linkedin;

#[async_trait]
impl Source for Linkedin {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let me = asked.access.read("LINKEDIN_GET_MY_INFO", json!({})).await?;
        let name = text(&me, "name").or_else(|| text(&me, "localizedFirstName")).or_else(|| text(&me, "id"));
        let note = "LinkedIn gives no numbers on the posts of a person, so there are none here: they are to be seen on LinkedIn itself.";
        let provenance =
            asked.provenance(name.unwrap_or_else(|| "the connected person".to_owned()), vec![note.to_owned()]);
        Ok(Reading { provenance, period: asked.period, series: Vec::new(), posts: Vec::new() })
    }
}
