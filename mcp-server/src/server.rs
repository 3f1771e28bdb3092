//! The handler: what every client of either transport talks to.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::db::Db;
use entity::feed::Feed;
use futures::FutureExt;
use marketing::scanner::Scanner;
use platforms::Platforms;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use web::layers::RequestSpan;
use web::metrics;

use crate::caller::Caller;
use crate::permission;
use crate::prompts::Prompts;
use crate::resources;
use crate::subscriptions::{self, Subscriptions};
use crate::tools;
use crate::transport::Sessions;

/// How long a tool may take. Shorter than the transports keep a silent session.
pub const TOOL_DEADLINE: Duration = Duration::from_secs(120);

const INSTRUCTIONS: &str = "HeyCMO is the marketing memory and desk of this brand. Begin with get_account: it says what needs attention. \
Read get_brand before writing and playbook resources for the channel's rules. Save drafts with create_content, mend what the findings say, \
show the draft to the person, and record only decisions they really made with review_content. Nothing goes out without an approval. \
publish_content puts an approved piece out on its connected platform, once; connect_platform makes the link that connects one. \
query_ga4, query_search_console and query_post_analytics read numbers: name their source when you tell them. scan_page says how well search engines and answer engines can use a page, and what to change. \
plan_calendar plans the coming weeks; list_proposals says what results and decisions speak for changing. \
start_workflow starts durable work such as onboarding or analytics_report; get_workflow_run tells how it stands.";

/// What all sessions share.
pub struct App {
    /// The database.
    pub db: Db,
    /// Live events.
    pub feed: Feed,
    /// What customers connect.
    pub platforms: Platforms,
    /// Looks at pages.
    pub scanner: Scanner,
    /// Who is connected.
    pub sessions: Arc<Sessions>,
    /// Ends what would go on waiting when the process stops.
    pub shutdown: CancellationToken,
    tools: ToolRouter<HeyCmo>,
    pub(crate) prompts: Prompts,
}

impl App {
    /// What all sessions share, built once.
    #[must_use]
    pub fn new(
        db: Db,
        feed: Feed,
        platforms: Platforms,
        scanner: Scanner,
        sessions: Arc<Sessions>,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            db,
            feed,
            platforms,
            scanner,
            sessions,
            shutdown,
            tools: tools::router(),
            prompts: Prompts::new(),
        })
    }

    /// A tool as it is listed.
    pub(crate) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }
}

/// One session's handler.
///
/// A clone serves another session: it shares the [`App`] and starts without subscriptions.
pub struct HeyCmo {
    app: Arc<App>,
    subscriptions: Subscriptions,
}

impl Clone for HeyCmo {
    fn clone(&self) -> Self {
        Self::new(self.app.clone())
    }
}

impl HeyCmo {
    /// A handler for a new session.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self { app, subscriptions: Subscriptions::default() }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Runs a tool within its deadline; a panic ends the call, not the session.
    async fn guarded(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let cancelled = context.ct.clone();
        let call = self.app.tools.call(ToolCallContext::new(self, request, context));
        let bounded = tokio::time::timeout(TOOL_DEADLINE, AssertUnwindSafe(call).catch_unwind());
        tokio::select! {
            outcome = bounded => match outcome {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => Ok(failed("Something went wrong on our side; it has been logged. Nothing was half-written: try again.")),
                Err(_elapsed) => Ok(failed("This took too long and was given up. Try again.")),
            },
            // Nobody waits for the answer any more.
            () = cancelled.cancelled() => Ok(failed("Cancelled.")),
        }
    }
}

/// Turns a panic into an error: rmcp would leave the caller waiting.
async fn contained<T>(work: impl Future<Output = Result<T, ErrorData>>) -> Result<T, ErrorData> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|_panic| {
        Err(ErrorData::internal_error("Something went wrong on our side; it has been logged.", None))
    })
}

fn failed(text: &str) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}

impl ServerHandler for HeyCmo {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_completions()
            .build();
        let about = Implementation::new("heycmo", env!("CARGO_PKG_VERSION")).with_title("HeyCMO");
        ServerConfig::new(capabilities).with_server_info(about).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = Caller::of(&context.extensions)?;
        // What the caller may not call would only cost it words.
        let mut listed = self.app.tools.list_all();
        listed.retain(|tool| tools::listed_for(&tool.name).is_some_and(|scope| caller.scopes.contains(scope)));
        Ok(ListToolsResult::with_all_items(listed).with_cache_scope(CacheScope::Private))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.app.tool(name).cloned()
    }

    /// The one way to every tool. An argument that cannot be read is for the assistant to mend, so it is a result and
    /// not a protocol error; only an unknown tool is.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = Caller::of(&context.extensions)?;
        let tool = request.name.clone();
        let is_known = self.app.tools.has_route(&tool);
        // The transports answer tools in tasks of their own.
        let parts = context.extensions.get::<http::request::Parts>();
        let request_span = parts.and_then(|parts| parts.extensions.get()).map(|RequestSpan(span)| span.clone());
        let request_span = request_span.unwrap_or_else(Span::current);
        let span = tracing::info_span!(parent: &request_span, "tool", %tool, customer = %caller.customer_id);
        let started = Instant::now();
        let lacking = tools::needed(&tool, request.arguments.as_ref()).filter(|scope| !caller.scopes.contains(*scope));
        let result = match lacking {
            Some(needed) => Ok(failed(&permission::lacks(&caller, needed))),
            None => self.guarded(request, context).instrument(span.clone()).await,
        };
        let result = match result {
            Err(error) if is_known && error.code == ErrorCode::INVALID_PARAMS => Ok(failed(&error.message)),
            Err(error) if !is_known => Err(ErrorData::invalid_params(unknown_tool(&tool), error.data)),
            other => other,
        };
        let ok = matches!(&result, Ok(CallToolResponse::Complete(result)) if result.is_error != Some(true));
        let took = started.elapsed();
        metrics::tool_called(is_known.then_some(tool), ok, took);
        span.in_scope(|| tracing::info!(ok, millis = took.as_secs_f64() * 1_000.0, "called"));
        result
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(Prompts::list()).with_cache_scope(CacheScope::Private))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let caller = reader(&context)?;
        Ok(contained(self.app.prompts.get(&self.app.db, &caller, request)).await?.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = reader(&context)?;
        contained(crate::completion::complete(&self.app.db, &caller, &request)).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let caller = reader(&context)?;
        contained(resources::list(&self.app.db, &caller, request.and_then(|page| page.cursor))).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()).with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = reader(&context)?;
        Ok(contained(resources::read(&self.app.db, &caller, &request.uri)).await?.into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let caller = reader(&context)?;
        contained(resources::require_readable(&self.app.db, &caller, &request.uri)).await?;
        self.subscriptions.add(&self.app.feed, &caller.customer_id, request.uri, context.peer)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions.remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let caller = reader(context.request_context())?;
        subscriptions::listen(&self.app.feed, &caller.customer_id, &context).await;
        Ok(())
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
    }
}

/// The caller of what shows something.
fn reader(context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
    let caller = Caller::of(&context.extensions)?;
    permission::require_read(&caller)?;
    Ok(caller)
}

fn unknown_tool(name: &str) -> String {
    format!("There is no tool `{}`; tools/list names them all.", name.chars().take(64).collect::<String>())
}
