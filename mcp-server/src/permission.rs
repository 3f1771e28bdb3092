//! What a call needs, and whether its caller has it. The check that counts is the handler's; the one of the message is
//! there so that apps are told by status, which makes them ask the customer for more.

use entity::scopes::{Scope, Scopes};
use rmcp::ErrorData;
use rmcp::model::JsonObject;
use serde::Deserialize;

use crate::caller::{Caller, Credential};
use crate::tools;

/// What of a message says which permission it needs.
#[derive(Deserialize)]
struct Message {
    method: String,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    name: Option<String>,
    arguments: Option<JsonObject>,
}

/// Which permission an app lacks for a message. What cannot be read is left to whoever reads it in earnest.
pub fn missing_of_app(caller: &Caller, message: &[u8]) -> Option<Scope> {
    if caller.scopes == Scopes::ALL || matches!(caller.credential, Credential::Key(_)) {
        return None;
    }
    let Message { method, params } = serde_json::from_slice(message).ok()?;
    let needed = match method.as_str() {
        "tools/call" => {
            let Params { name, arguments } = params?;
            tools::needed(&name?, arguments.as_ref())?
        }
        "prompts/get"
        | "completion/complete"
        | "resources/list"
        | "resources/read"
        | "resources/subscribe"
        | "subscriptions/listen" => Scope::Read,
        _ => return None,
    };
    (!caller.scopes.contains(needed)).then_some(needed)
}

/// The permission without which there is nothing to see but what tools there are.
///
/// # Errors
///
/// When the caller has it not.
pub fn require_read(caller: &Caller) -> Result<(), ErrorData> {
    if caller.scopes.contains(Scope::Read) {
        return Ok(());
    }
    Err(ErrorData::invalid_request(lacks(caller, Scope::Read), None))
}

/// What to tell the assistant of a caller that may not do what it asks for.
pub fn lacks(caller: &Caller, needed: Scope) -> String {
    match caller.credential {
        Credential::Key(_) => format!(
            "The key of this connection does not have the permission `{needed}`. Nothing was changed. Tell the person: \
             they can do it on HeyCMO's own pages, or connect with a key that has it."
        ),
        Credential::Grant(_) => app_lacks(needed),
    }
}

/// The same of an app.
pub fn app_lacks(needed: Scope) -> String {
    format!(
        "This app was not given the permission `{needed}`. Nothing was changed. Tell the person: they can do it on \
         HeyCMO's own pages, or connect HeyCMO anew in this app and tick `{needed}`."
    )
}
