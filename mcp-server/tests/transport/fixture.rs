//! A handler whose tools do what the tests want to see, and that tells what became of its calls.

use std::sync::Arc;

use mcp_server::caller::Caller;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequestParams, ErrorData,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;
use tokio::sync::{Notify, watch};

/// What the calls of the `wait` tool came to, so far.
pub struct Calls {
    pub started: watch::Sender<usize>,
    pub stopped: watch::Sender<usize>,
    pub release: Notify,
}

impl Calls {
    /// Waits until a counter has reached a number.
    pub async fn reached(counter: &watch::Sender<usize>, number: usize) {
        let mut seen = counter.subscribe();
        let reached = seen.wait_for(|count| *count >= number);
        tokio::time::timeout(crate::server::PATIENCE, reached).await.expect("in time").expect("a counter");
    }
}

#[derive(Clone)]
pub struct Fixture(pub Arc<Calls>);

impl Fixture {
    pub fn new() -> Self {
        Self(Arc::new(Calls { started: watch::Sender::new(0), stopped: watch::Sender::new(0), release: Notify::new() }))
    }

    async fn wait(&self, context: &RequestContext<RoleServer>) -> String {
        struct Stopped<'a>(&'a watch::Sender<usize>);
        impl Drop for Stopped<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|count| *count += 1);
            }
        }
        let _stopped = Stopped(&self.0.stopped);
        let released = self.0.release.notified();
        self.0.started.send_modify(|count| *count += 1);
        tokio::select! {
            () = released => "released",
            () = context.ct.cancelled() => "cancelled",
        }
        .to_owned()
    }
}

async fn ask(context: &RequestContext<RoleServer>) -> String {
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
    let params: ElicitRequestParams =
        serde_json::from_value(json!({"mode": "form", "message": "Really?", "requestedSchema": schema})).unwrap();
    match context.peer.create_elicitation(params).await {
        Ok(answer) => format!("{:?}", answer.action),
        Err(error) => format!("failed: {error}"),
    }
}

/// Everything of the HTTP request that reached the handler.
fn seen(context: &RequestContext<RoleServer>) -> String {
    let parts = context.extensions.get::<http::request::Parts>().expect("the request's parts");
    let caller = parts.extensions.get::<Caller>().expect("a caller");
    let version = context.protocol_version().map(|version| version.to_string());
    let client = context.client_info().map(|client| client.name);
    json!({
        "customer": caller.customer_id.as_str(), "key": caller.credential.to_string(), "uri": parts.uri.to_string(),
        "headers": format!("{:?}", parts.headers), "version": version, "client": client,
    })
    .to_string()
}

async fn report_progress(context: &RequestContext<RoleServer>, steps: u64) {
    let token = context.meta.get_progress_token().expect("a progress token");
    for step in 1..=steps {
        let report = context.peer.notify_progress(ProgressNotificationParam::new(token.clone(), step as f64));
        if context.ct.run_until_cancelled(report).await.is_none_or(|sent| sent.is_err()) {
            break;
        }
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = Arc::new(serde_json::Map::from_iter([("type".to_owned(), json!("object"))]));
        Ok(ListToolsResult::with_all_items(vec![Tool::new("echo", "Says it again", schema)]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name)).cloned();
        let number = |name: &str| argument(name).and_then(|value| value.as_u64()).unwrap_or_default();
        let text = match request.name.as_ref() {
            "echo" => argument("text").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default(),
            "big" => "x".repeat(number("bytes") as usize),
            "wait" => self.wait(&context).await,
            "step" => {
                report_progress(&context, 1).await;
                self.wait(&context).await
            }
            "news" => match context.peer.notify_tool_list_changed().await {
                Ok(()) => "told".to_owned(),
                Err(error) => error.to_string(),
            },
            "ask" => ask(&context).await,
            "seen" => seen(&context),
            "progress" => {
                report_progress(&context, number("steps")).await;
                format!("done{}", "x".repeat(number("bytes") as usize))
            }
            "panic" => panic!("as asked"),
            unknown => return Err(ErrorData::invalid_params(format!("no tool {unknown}"), None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}
