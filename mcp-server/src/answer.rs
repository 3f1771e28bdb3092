//! What tools answer: a text for the reader and the same as data, or a refusal that says how to go on.

use entity::Error;
use entity::connections::ConnectionStatus;
use rmcp::ErrorData;
use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;

/// A tool's answer.
#[derive(Debug)]
pub struct Answer<T> {
    /// For the assistant to read: what is, and what to do next.
    pub text: String,
    /// The same for programs, as the tool's output schema describes it.
    pub data: T,
}

/// A tool's refusal: not a fault of the protocol, but something the assistant can mend.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl<T: Serialize> IntoCallToolResult for Answer<T> {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let data = serde_json::to_value(self.data)
            .map_err(|error| ErrorData::internal_error(format!("an answer could not be written: {error}"), None))?;
        // Not `structured`, which would write the data as a text first.
        let mut result = CallToolResult::success(vec![ContentBlock::text(self.text)]);
        result.structured_content = Some(data);
        Ok(result.into())
    }
}

impl IntoCallToolResult for Refusal {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::error(vec![ContentBlock::text(self.0)]).into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        log(&error);
        Self(format!("{error}{}", remedy(&error)))
    }
}

impl From<platforms::Error> for Refusal {
    fn from(error: platforms::Error) -> Self {
        match error {
            platforms::Error::Store(error) => error.into(),
            error => {
                if let platforms::Error::Upstream(_, cause) = &error {
                    tracing::warn!(error = %cause, "a platform could not be asked");
                }
                Self(format!("{error}{}", how_to_connect(&error)))
            }
        }
    }
}

/// Which tool to go on with where things stand so that something is refused.
fn remedy(error: &Error) -> &'static str {
    let Error::Conflict { code, .. } = error else { return "" };
    match *code {
        "not_written" => " Write it with update_content first.",
        "being_published" => " publish_content says how it stands.",
        "not_publishable" => " get_content has its words.",
        "already_decided" => " Change the profile itself with update_brand, if that is wanted.",
        "profile_changed" => " If it is still wanted, set it with update_brand.",
        _ => "",
    }
}

/// The same where a platform has to be connected first.
fn how_to_connect(error: &platforms::Error) -> String {
    match error {
        platforms::Error::NotConnected(platform, ConnectionStatus::NeedsReconnect) => {
            format!(" Connect it again with connect_platform, platform `{platform}`.")
        }
        platforms::Error::NotConnected(_, ConnectionStatus::Pending) => " connect_platform makes a new one.".to_owned(),
        platforms::Error::NotConnected(platform, _) => {
            format!(" Connect it with connect_platform, platform `{platform}`.")
        }
        _ => String::new(),
    }
}

/// The same where the id came as the argument `contentId`: which one is wrong, and how to find a good one.
pub fn no_such_piece(error: Error) -> Error {
    match error {
        Error::NotFound(_) => {
            Error::invalid("contentId", "is not the id of a piece of content of yours; list_content finds them")
        }
        other => other,
    }
}

/// The same for the argument `proposalId`.
pub fn no_such_proposal(error: Error) -> Error {
    match error {
        Error::NotFound(_) => {
            Error::invalid("proposalId", "is not the id of a proposal of yours; list_proposals finds them")
        }
        other => other,
    }
}

/// The same for the argument `runId`.
pub fn no_such_run(error: Error) -> Error {
    match error {
        Error::NotFound(_) => Error::invalid("runId", "is not the id of a run of yours; list_workflow_runs finds them"),
        other => other,
    }
}

/// The cause goes to the log; customers get the sentence.
fn log(error: &Error) {
    match error {
        Error::Database(cause) => tracing::error!(error = %cause, "a query failed"),
        Error::Unavailable(cause) => tracing::warn!(error = %cause, "the database cannot be reached"),
        Error::Unclear(cause) => tracing::warn!(error = %cause, "the database was lost while it saved"),
        Error::Full(cause) => tracing::error!(error = %cause, "the database cannot write"),
        Error::NotFound(_) | Error::Invalid(_) | Error::Conflict { .. } => {}
    }
}

/// The same for what is not a tool: prompts and resources have no other way to refuse than a protocol error.
pub fn protocol_error(error: &Error) -> ErrorData {
    log(error);
    match error {
        Error::NotFound(_) => ErrorData::resource_not_found(error.to_string(), None),
        Error::Invalid(_) | Error::Conflict { .. } => ErrorData::invalid_params(error.to_string(), None),
        Error::Unavailable(_) | Error::Unclear(_) | Error::Full(_) | Error::Database(_) => {
            ErrorData::internal_error(error.to_string(), None)
        }
    }
}
