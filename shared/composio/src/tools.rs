use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Patience;
use crate::error::clean;
use crate::{Composio, Error, Result};

/// What can be done on a platform.
#[derive(Clone, Debug, Deserialize)]
pub struct Tool {
    /// Its name in calls.
    pub slug: String,
    /// The version of its toolkit.
    #[serde(default)]
    pub version: Option<String>,
    /// JSON schema of its arguments.
    #[serde(default)]
    pub input_parameters: Value,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Execution<'a> {
    /// The tool.
    pub tool: &'a str,
    /// Our id of whose account is used.
    pub user_id: &'a str,
    /// Which of their accounts.
    pub account_id: &'a str,
    /// As the tool's schema says.
    pub arguments: Value,
}

#[derive(Deserialize)]
struct Executed {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    error: Option<Value>,
    successful: bool,
    #[serde(default)]
    log_id: Option<String>,
}

impl Composio {
    /// One tool.
    ///
    /// # Errors
    ///
    /// When the call fails; not found for an unknown slug.
    pub async fn tool(&self, slug: &str) -> Result<Tool> {
        self.get(&format!("/tools/{slug}"), &[]).await
    }

    /// Calls a tool that changes nothing on the platform; gives back its `data`.
    ///
    /// # Errors
    ///
    /// When the call or the tool fails, after another attempt where that may help.
    pub async fn execute(&self, execution: &Execution<'_>) -> Result<Value> {
        self.run(execution, Patience::READ_TOOL).await
    }

    /// Calls a tool that acts on the platform, once: there is no way to ask Composio not to do it twice.
    ///
    /// # Errors
    ///
    /// When the call or the tool fails; [`Error::may_have_been_done`] tells whether the platform may have acted.
    pub async fn execute_once(&self, execution: &Execution<'_>) -> Result<Value> {
        self.run(execution, Patience::ACT_TOOL).await
    }

    async fn run(&self, execution: &Execution<'_>, patience: Patience) -> Result<Value> {
        let body = json!({
            "user_id": execution.user_id,
            "connected_account_id": execution.account_id,
            "arguments": execution.arguments,
            "version": "latest",
        });
        let path = format!("/tools/execute/{}", execution.tool);
        let executed: Executed = self.call(Method::POST, &path, &[], Some(&body), patience).await?;
        if executed.successful {
            return Ok(executed.data);
        }
        let error = Error::ToolFailed {
            message: clean(&message(executed.error.as_ref(), &executed.data)),
            status: status(&executed.data),
            log_id: executed.log_id,
        };
        tracing::info!(%error, tool = execution.tool, "a tool failed");
        Err(error)
    }
}

/// Composio says it in `error`, some tools only in their data.
fn message(error: Option<&Value>, data: &Value) -> String {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let candidates = [error, error.and_then(|error| error.get("message")), data.get("message"), data.get("error")];
    candidates.into_iter().flatten().find_map(text).unwrap_or_else(|| "no reason given".to_owned())
}

fn status(data: &Value) -> Option<u16> {
    let status = ["status_code", "http_status", "status"].iter().find_map(|name| data.get(name)?.as_u64())?;
    u16::try_from(status).ok()
}
