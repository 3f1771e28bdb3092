//! Which permission each tool needs. A tool that is not here is neither listed nor called by anybody.
//!
//! Nothing goes out without `publish`, whoever prepared it: publishing and giving a time need it, and so does an approval,
//! since an approved piece goes out at its time.

use entity::scopes::Scope;
use rmcp::model::{JsonObject, MetaObject, Tool};
use serde_json::Value;

/// Where a listed tool says it.
const META: &str = "heycmo.ai/scope";

/// The permission with which a tool is listed: the least that any call of it needs.
pub fn listed_for(tool: &str) -> Option<Scope> {
    Some(match tool {
        "get_account"
        | "get_brand"
        | "get_content"
        | "list_content"
        | "list_connections"
        | "query_ga4"
        | "query_search_console"
        | "query_post_analytics"
        | "get_performance_trend"
        | "get_learning_insights"
        | "list_proposals"
        | "list_scans"
        | "list_events"
        | "get_workflow_run"
        | "list_workflow_runs" => Scope::Read,
        "update_brand"
        | "create_content"
        | "update_content"
        | "review_content"
        | "connect_platform"
        | "review_proposal"
        | "plan_calendar"
        | "scan_page"
        | "log_lead"
        | "start_workflow"
        | "cancel_workflow_run" => Scope::Write,
        "schedule_content" | "publish_content" => Scope::Publish,
        _ => return None,
    })
}

/// The permission that a call with these arguments needs; none for a tool that there is not.
pub fn needed(tool: &str, arguments: Option<&JsonObject>) -> Option<Scope> {
    let decision = || arguments.and_then(|arguments| arguments.get("decision")).and_then(Value::as_str);
    match tool {
        // Whatever is no plain refusal counts as an approval, however it is spelled.
        "review_content" if !matches!(decision(), Some("rejected" | "revised")) => Some(Scope::Publish),
        tool => listed_for(tool),
    }
}

/// Says in the list which permission a tool needs.
pub(super) fn mark(tool: &mut Tool) {
    if let Some(scope) = listed_for(&tool.name) {
        let meta = tool.meta.get_or_insert_with(MetaObject::new);
        meta.0.insert(META.to_owned(), Value::from(scope.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_tool_needs_a_permission_and_only_reading_ones_are_for_readers() {
        for tool in crate::tools::router().list_all() {
            let needed = listed_for(&tool.name).unwrap_or_else(|| panic!("{} is not in the table", tool.name));
            let reads = tool.annotations.as_ref().and_then(|hints| hints.read_only_hint) == Some(true);
            assert_eq!(needed == Scope::Read, reads, "{}", tool.name);
            assert_eq!(tool.meta.unwrap().0[META], needed.as_str());
        }
    }

    #[test]
    fn whatever_may_be_an_approval_needs_the_permission_to_publish() {
        let needed = |arguments: Value| needed("review_content", arguments.as_object());
        for arguments in [
            json!({}),
            json!({"decision": "approved"}),
            json!({"decision": {"approved": null}}),
            json!({"decision": "Rejected"}),
            json!({"decision": ["rejected"]}),
        ] {
            assert_eq!(needed(arguments.clone()), Some(Scope::Publish), "{arguments}");
        }
        for decision in ["rejected", "revised"] {
            assert_eq!(needed(json!({"decision": decision})), Some(Scope::Write));
        }
    }
}
