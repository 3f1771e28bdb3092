//! The handler that the suite expects: its names, and what they do.
#![expect(deprecated, reason = "the older revisions have logging and sampling")]

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::asking::{self, Progress};
use crate::catalogue;

/// What the suite wants between two notifications.
const PAUSE: Duration = Duration::from_millis(50);

/// Which list changed.
#[derive(Clone, Copy)]
enum Changed {
    Tools,
    Prompts,
}

#[derive(Clone)]
pub struct Fixture {
    changes: broadcast::Sender<Changed>,
    states: Arc<RequestStateCodec>,
}

type Context = RequestContext<RoleServer>;

impl Fixture {
    pub fn new() -> Self {
        let states = RequestStateCodec::try_new([9; 32]).expect("a long key");
        Self { changes: broadcast::Sender::new(16), states: Arc::new(states) }
    }

    async fn act(&self, tool: &str, arguments: &Value, context: &Context) -> Result<String, ErrorData> {
        match tool {
            "test_tool_with_logging" => log(context).await,
            "test_logging_tool" if context.meta.log_level().is_some() => log(context).await,
            // Since 2026-07-28 only a request that names a level gets log messages.
            "test_logging_tool" => {}
            "test_tool_with_progress" => progress(context).await,
            "test_missing_capability" => require_sampling(context)?,
            "test_sampling" => return sample(&arguments["prompt"], context).await,
            "test_elicitation" => {
                let schema = json!({
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" },
                });
                let answer = elicit(&arguments["message"], schema, context).await?;
                return Ok(format!("User response: {answer}"));
            }
            "test_elicitation_sep1034_defaults" => {
                let answer = elicit(&json!("Please check the defaults"), fields_with_defaults(), context).await?;
                return Ok(format!("Elicitation completed: {answer}"));
            }
            "test_elicitation_sep1330_enums" => {
                let answer = elicit(&json!("Please choose"), choices(), context).await?;
                return Ok(format!("Elicitation completed: {answer}"));
            }
            // Nobody may be listening.
            "test_trigger_tool_change" => drop(self.changes.send(Changed::Tools)),
            "test_trigger_prompt_change" => drop(self.changes.send(Changed::Prompts)),
            unknown => return Err(ErrorData::invalid_params(format!("There is no tool {unknown}"), None)),
        }
        Ok(format!("{tool} is done."))
    }
}

async fn log(context: &Context) {
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        let line = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
        context.peer.notify_logging_message(line).await.ok();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn progress(context: &Context) {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
            context.peer.notify_progress(progress).await.ok();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn require_sampling(context: &Context) -> Result<(), ErrorData> {
    match context.client_capabilities() {
        Some(client) if client.sampling.is_some() => Ok(()),
        _ => Err(ErrorData::missing_required_client_capability(read(json!({ "sampling": {} }))?)),
    }
}

async fn sample(prompt: &Value, context: &Context) -> Result<String, ErrorData> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    let request = read(json!({ "messages": [message], "maxTokens": 100 }))?;
    let answer = context.peer.create_message(request).await.map_err(refused)?;
    Ok(format!("LLM response: {}", json!(answer)["content"]["text"].as_str().unwrap_or_default()))
}

async fn elicit(message: &Value, fields: Value, context: &Context) -> Result<String, ErrorData> {
    let required: Vec<&String> = fields.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let schema = json!({ "type": "object", "properties": fields, "required": required });
    let request = read(json!({ "mode": "form", "message": message, "requestedSchema": schema }))?;
    let answer = json!(context.peer.create_elicitation(request).await.map_err(refused)?);
    Ok(format!("action={}, content={}", answer["action"].as_str().unwrap_or_default(), answer["content"]))
}

fn fields_with_defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    })
}

fn choices() -> Value {
    let titled = |titles: [&str; 3]| -> Vec<Value> {
        let values = ["value1", "value2", "value3"];
        values.iter().zip(titles).map(|(value, title)| json!({ "const": value, "title": title })).collect()
    };
    let options = ["option1", "option2", "option3"];
    json!({
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"]) },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": {
            "type": "array",
            "items": { "anyOf": titled(["First Choice", "Second Choice", "Third Choice"]) },
        },
    })
}

/// A value of the protocol's from its JSON.
fn read<T: DeserializeOwned>(json: Value) -> Result<T, ErrorData> {
    serde_json::from_value(json).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// The result of a call from its JSON, marked as one that asks for nothing more.
fn whole<T: DeserializeOwned>(mut json: Value) -> Result<T, ErrorData> {
    json["resultType"] = json!("complete");
    read(json)
}

fn refused(error: rmcp::ServiceError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("conformance-fixture", "1"))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: Context) -> Result<ListToolsResult, ErrorData> {
        whole(json!({ "tools": catalogue::tools() }))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools: Vec<Tool> = read(catalogue::tools()).ok()?;
        tools.into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(&self, call: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        if let Some(answer) = catalogue::answer(&call.name) {
            return Ok(whole::<CallToolResult>(answer)?.into());
        }
        let (answers, state) = (call.input_responses.as_ref(), call.request_state.as_deref());
        let client_can = json!(context.client_capabilities());
        let text = match asking::proceed(&call.name, &self.states, answers, state, &client_can)? {
            Some(Progress::Asks(questions)) => return Ok(questions.into()),
            Some(Progress::Done(text)) => text,
            None => self.act(&call.name, &json!(call.arguments), &context).await?,
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        whole(json!({ "prompts": catalogue::prompts() }))
    }

    async fn get_prompt(&self, get: GetPromptRequestParams, context: Context) -> Result<GetPromptResponse, ErrorData> {
        if let Some(messages) = catalogue::messages(&get.name, &json!(get.arguments)) {
            return Ok(whole::<GetPromptResult>(messages)?.into());
        }
        let (answers, state) = (get.input_responses.as_ref(), get.request_state.as_deref());
        let client_can = json!(context.client_capabilities());
        match asking::proceed(&get.name, &self.states, answers, state, &client_can)? {
            Some(Progress::Asks(questions)) => Ok(questions.into()),
            Some(Progress::Done(text)) => {
                Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
            }
            None => Err(ErrorData::invalid_params(format!("There is no prompt {}", get.name), None)),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        whole(json!({ "resources": catalogue::resources() }))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        whole(json!({ "resourceTemplates": catalogue::templates() }))
    }

    async fn read_resource(
        &self,
        wanted: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match catalogue::contents(&wanted.uri) {
            Some(contents) => Ok(whole::<ReadResourceResult>(contents)?.into()),
            None => Err(ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": wanted.uri })))),
        }
    }

    async fn complete(&self, _: CompleteRequestParams, _: Context) -> Result<CompleteResult, ErrorData> {
        whole(json!({ "completion": { "values": ["paris", "park", "party"], "total": 3, "hasMore": false } }))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        let tell = async {
            while let Ok(changed) = changes.recv().await {
                let told = match changed {
                    Changed::Tools => context.sink().notify_tool_list_changed().await,
                    Changed::Prompts => context.sink().notify_prompt_list_changed().await,
                };
                if told.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = tell => {}
            () = context.cancelled() => {}
        }
        Ok(())
    }
}
