//! The tools, one file a group. Every one is listed here, and its text and schema are held by a snapshot.

mod account;
mod analytics;
mod brand;
mod calendar;
mod connections;
mod content;
mod events;
mod leads;
mod performance;
mod proposals;
mod publishing;
mod review;
mod scans;
mod scope;
mod strict;
mod workflows;

use rmcp::ErrorData;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;

use crate::server::HeyCmo;

pub use scope::{listed_for, needed};

/// Every tool, with the permission that it needs.
pub fn router() -> ToolRouter<HeyCmo> {
    let mut tools = all();
    for route in tools.map.values_mut() {
        scope::mark(&mut route.attr);
    }
    tools
}

fn all() -> ToolRouter<HeyCmo> {
    HeyCmo::account_tools()
        + HeyCmo::brand_tools()
        + HeyCmo::content_tools()
        + HeyCmo::review_tools()
        + HeyCmo::publishing_tools()
        + HeyCmo::calendar_tools()
        + HeyCmo::connection_tools()
        + HeyCmo::analytics_tools()
        + HeyCmo::performance_tools()
        + HeyCmo::proposal_tools()
        + HeyCmo::scan_tools()
        + HeyCmo::lead_tools()
        + HeyCmo::event_tools()
        + HeyCmo::workflow_tools()
}

/// A tool's arguments, as its listed schema has them, with errors that name the field.
pub struct Arguments<T>(pub T);

/// The arguments of a tool that takes none.
#[derive(Deserialize, JsonSchema)]
struct NoArguments {}

impl<T: DeserializeOwned> FromContextPart<ToolCallContext<'_, HeyCmo>> for Arguments<T> {
    fn from_context_part(context: &mut ToolCallContext<'_, HeyCmo>) -> Result<Self, ErrorData> {
        let arguments = context.arguments.take().unwrap_or_default();
        if let Some(tool) = context.service.app().tool(&context.name) {
            strict::require_listed(&tool.input_schema, &arguments)
                .map_err(|problem| ErrorData::invalid_params(problem, None))?;
        }
        read(arguments).map(Self)
    }
}

fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, ErrorData> {
    let arguments = Value::Object(arguments).into_deserializer();
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let problem = web::body::problem(error.inner());
        let sentence = if path == "." { format!("{problem}.") } else { format!("`{path}`: {problem}.") };
        ErrorData::invalid_params(sentence, None)
    })
}

/// A text that the assistant gave, trimmed; absent when empty.
fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A short text of at most `max` characters that can be stored.
fn short(field: &str, text: Option<String>, max: usize) -> entity::Result<Option<String>> {
    let Some(text) = given(text) else { return Ok(None) };
    if text.chars().count() > max {
        return Err(entity::Error::invalid(
            field,
            format!("must be at most {max} characters, has {}", text.chars().count()),
        ));
    }
    if text.contains('\0') {
        return Err(entity::Error::invalid(field, "must not contain the NUL character"));
    }
    Ok(Some(text))
}

/// Size of a page as the assistant asked for it.
fn page_size(limit: Option<i64>, default: u64, max: u64) -> entity::Result<u64> {
    let Some(limit) = limit else { return Ok(default) };
    let limit = u64::try_from(limit).ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| entity::Error::invalid("limit", format!("must be from 1 to {max}")))
}
