//! `/api/v3.1`: Composio's API, as far as HeyCMO and the official clients use it.

use std::time::Duration;

use axum::extract::{FromRequest, Path, Query, Request, State as Shared};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use chrono::{SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::error::ComposioError;
use super::state::{Account, AuthConfig, Subscription, new_id};
use super::tools::{self, TOOLKITS, toolkit};
use super::{API_PATH, LoggedRequest, Sandbox};

type Answer = Result<Json<Value>, ComposioError>;
type Created = Result<(StatusCode, Json<Value>), ComposioError>;

/// How many entries a page has when nobody says.
const PAGE: usize = 20;

pub fn router(sandbox: &Sandbox) -> Router<Sandbox> {
    let api = Router::new()
        .route("/toolkits", get(list_toolkits))
        .route("/toolkits/{slug}", get(show_toolkit))
        .route("/auth_configs", get(list_auth_configs).post(make_auth_config))
        .route("/auth_configs/{id}", get(show_auth_config).delete(delete_auth_config))
        .route("/connected_accounts", get(list_accounts))
        .route("/connected_accounts/link", post(link))
        .route("/connected_accounts/{id}", get(show_account).delete(delete_account))
        .route("/connected_accounts/{id}/status", patch(enable_account))
        .route("/connected_accounts/{id}/revoke", post(revoke_account))
        .route("/tools", get(list_tools))
        .route("/tools/{slug}", get(show_tool))
        .route("/tools/execute/{slug}", post(execute))
        .route("/webhook_subscriptions", get(list_subscriptions).post(subscribe))
        .route("/webhook_subscriptions/{id}", axum::routing::delete(unsubscribe))
        .route("/webhook_subscriptions/{id}/rotate_secret", post(rotate_secret))
        .fallback(no_such_route)
        // The innermost comes first here: faults strike what the key lets in.
        .layer(middleware::from_fn_with_state(sandbox.clone(), fail))
        .layer(middleware::from_fn(require_key));
    Router::new().nest(API_PATH, api)
}

async fn no_such_route(method: Method, request: Request) -> ComposioError {
    let path = request.uri().path().to_owned();
    ComposioError::new(
        StatusCode::NOT_FOUND,
        format!("Unrecognized request URL ({method} {path}). The sandbox knows only what HeyCMO needs of Composio."),
    )
}

async fn require_key(request: Request, next: Next) -> Response {
    let key = request.headers().get("x-api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key.starts_with("bad") {
        return ComposioError::new(StatusCode::UNAUTHORIZED, "Invalid API key").into_response();
    }
    next.run(request).await
}

/// Logs the call, and has it go wrong where that was asked for.
async fn fail(Shared(sandbox): Shared<Sandbox>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let fault = {
        let mut live = sandbox.live();
        let struck = live.faults.iter_mut().find_map(|fault| fault.strikes(&path).then(|| fault.clone()));
        live.faults.retain(super::faults::Faults::is_live);
        struck
    };
    sandbox.log(LoggedRequest {
        method: request.method().to_string(),
        path,
        query: request.uri().query().map(str::to_owned),
        fault: fault.as_ref().map(|fault| fault.kind),
    });
    let Some(fault) = fault else { return next.run(request).await };
    tokio::time::sleep(Duration::from_millis(fault.millis)).await;
    if fault.after {
        // In a task of its own: the caller may be gone before it is done.
        let right = tokio::spawn(next.run(request)).await;
        return match (fault.kind.answer().await, right) {
            (Some(wrong), _) => wrong,
            (None, Ok(right)) => right,
            (None, Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    match fault.kind.answer().await {
        Some(wrong) => wrong,
        None => next.run(request).await,
    }
}

/// A query whose lists come between commas or as repeated names.
struct Filters(Vec<(String, String)>);

impl Filters {
    fn values(&self, name: &str) -> Vec<&str> {
        let given = self.0.iter().filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name));
        given.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty()).collect()
    }

    fn allows(&self, name: &str, value: &str) -> bool {
        let wanted = self.values(name);
        wanted.is_empty() || wanted.contains(&value)
    }

    /// A page of all that fit, in Composio's envelope.
    fn page(&self, all: Vec<Value>) -> Value {
        let number = |name: &str| self.values(name).first().and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").unwrap_or(PAGE).clamp(1, 1_000);
        let from = number("cursor").unwrap_or(0);
        let total = all.len();
        let items: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
        let next = from + items.len();
        json!({
            "items": items,
            "next_cursor": (next < total).then(|| next.to_string()),
            "total_pages": total.div_ceil(limit),
            "current_page": from / limit + 1,
            "total_items": total,
        })
    }
}

/// A body in JSON, whose mistakes are told as Composio tells them.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ComposioError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ComposioError> {
        let Json(body) = Json::from_request(request, state)
            .await
            .map_err(|wrong| ComposioError::invalid(format!("Invalid request data provided: {}", wrong.body_text())))?;
        Ok(Self(body))
    }
}

type Raw = Query<Vec<(String, String)>>;

async fn list_toolkits(Query(query): Raw) -> Json<Value> {
    Json(Filters(query).page(TOOLKITS.iter().map(toolkit_value).collect()))
}

async fn show_toolkit(Path(slug): Path<String>) -> Answer {
    let toolkit = toolkit(&slug).ok_or_else(|| ComposioError::missing("Toolkit", &slug))?;
    Ok(Json(toolkit_value(toolkit)))
}

fn toolkit_value(toolkit: &tools::Toolkit) -> Value {
    let tools = tools::of_toolkit(toolkit.slug).count();
    json!({
        "slug": toolkit.slug,
        "name": toolkit.name,
        "type": "tool",
        "auth_schemes": ["OAUTH2"],
        "composio_managed_auth_schemes": ["OAUTH2"],
        "no_auth": false,
        "enabled": true,
        "is_local_toolkit": false,
        "meta": {
            "description": format!("{}, as far as the sandbox knows it", toolkit.name),
            "logo": "",
            "categories": [],
            "tools_count": tools,
            "triggers_count": 0,
            "version": VERSION,
            "created_at": "2025-01-01T00:00:00.000Z",
            "updated_at": "2025-01-01T00:00:00.000Z",
        },
    })
}

const VERSION: &str = "20260101_00";

fn auth_config_value(config: &AuthConfig) -> Value {
    json!({
        "id": config.id,
        "uuid": config.id,
        "type": if config.managed { "default" } else { "custom" },
        "toolkit": { "slug": config.toolkit, "logo": "" },
        "name": config.name,
        "auth_scheme": "OAUTH2",
        "is_composio_managed": config.managed,
        "status": "ENABLED",
        "no_of_connections": 0,
        "tool_access_config": {},
        "created_at": config.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
    })
}

async fn list_auth_configs(Shared(sandbox): Shared<Sandbox>, Query(query): Raw) -> Answer {
    let filters = Filters(query);
    let found = sandbox.read(|state| {
        let fit = state.auth_configs.iter().filter(|it| {
            filters.allows("toolkit_slug", &it.toolkit)
                && filters.allows("is_composio_managed", if it.managed { "true" } else { "false" })
        });
        Ok(fit.map(auth_config_value).collect())
    })?;
    Ok(Json(filters.page(found)))
}

async fn make_auth_config(Shared(sandbox): Shared<Sandbox>, Body(body): Body<Value>) -> Created {
    let slug = body.pointer("/toolkit/slug").and_then(Value::as_str).unwrap_or_default();
    let toolkit = toolkit(slug).ok_or_else(|| ComposioError::invalid(format!("Toolkit {slug} does not exist")))?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let config = AuthConfig {
        id: new_id("ac_"),
        toolkit: toolkit.slug.to_owned(),
        name: text("/auth_config/name").unwrap_or("sandbox").to_owned(),
        managed: text("/auth_config/type") != Some("use_custom_auth"),
        created_at: Utc::now(),
    };
    let answer = json!({
        "toolkit": { "slug": config.toolkit },
        "auth_config": {
            "id": config.id,
            "auth_scheme": "OAUTH2",
            "is_composio_managed": config.managed,
            "restrict_to_following_tools": [],
        },
    });
    sandbox.change(|state| {
        state.auth_configs.push(config);
        Ok(())
    })?;
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn show_auth_config(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.read(|state| {
        let config = state.auth_configs.iter().find(|it| it.id == id);
        Ok(Json(auth_config_value(config.ok_or_else(|| ComposioError::missing("Auth config", &id))?)))
    })
}

async fn delete_auth_config(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.change(|state| {
        let before = state.auth_configs.len();
        state.auth_configs.retain(|it| it.id != id);
        if state.auth_configs.len() == before {
            return Err(ComposioError::missing("Auth config", &id));
        }
        Ok(Json(json!({})))
    })
}

/// With tokens, as Composio sends them unless told not to: whoever keeps or logs this is found out.
pub fn account(account: &Account) -> Value {
    let time = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let token = format!("sandbox-token-{}", account.id);
    json!({
        "id": account.id,
        "toolkit": { "slug": account.toolkit },
        "auth_config": {
            "id": account.auth_config, "auth_scheme": "OAUTH2", "is_composio_managed": true, "is_disabled": false,
        },
        "user_id": account.user,
        "status": account.status,
        "status_reason": account.reason,
        "word_id": null,
        "alias": null,
        "created_at": time(account.created_at),
        "updated_at": time(account.updated_at),
        "is_disabled": false,
        "state": { "authScheme": "OAUTH2", "val": { "status": account.status, "access_token": token } },
        "data": { "access_token": token },
        "params": {},
    })
}

async fn list_accounts(Shared(sandbox): Shared<Sandbox>, Query(query): Raw) -> Answer {
    let filters = Filters(query);
    let found = sandbox.read(|state| {
        let fits = |it: &&Account| {
            filters.allows("user_ids", &it.user)
                && filters.allows("toolkit_slugs", &it.toolkit)
                && filters.allows("statuses", &it.status)
                && filters.allows("auth_config_ids", &it.auth_config)
                && filters.allows("connected_account_ids", &it.id)
        };
        Ok(state.accounts.iter().rev().filter(fits).map(account).collect())
    })?;
    Ok(Json(filters.page(found)))
}

#[derive(Deserialize)]
struct LinkIn {
    auth_config_id: String,
    user_id: String,
    callback_url: Option<String>,
}

async fn link(Shared(sandbox): Shared<Sandbox>, Body(wanted): Body<LinkIn>) -> Created {
    let (link, origin) = sandbox.change(|state| {
        let link = state.add_link(&wanted.auth_config_id, &wanted.user_id, wanted.callback_url)?;
        Ok((link, state.origin.clone()))
    })?;
    let answer = json!({
        "link_token": link.token,
        "redirect_url": format!("{origin}/composio/connect/{}", link.token),
        "expires_at": link.expires_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "connected_account_id": link.account,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn show_account(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.read(|state| Ok(Json(account(state.account(&id)?))))
}

async fn delete_account(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.change(|state| state.delete_account(&id))?;
    Ok(Json(json!({ "success": true })))
}

#[derive(Deserialize)]
struct EnableIn {
    enabled: bool,
}

async fn enable_account(
    Shared(sandbox): Shared<Sandbox>,
    Path(id): Path<String>,
    Body(wanted): Body<EnableIn>,
) -> Answer {
    let status = if wanted.enabled { "ACTIVE" } else { "INACTIVE" };
    sandbox.change(|state| match state.account(&id)?.status.as_str() {
        "ACTIVE" | "INACTIVE" => state.set_status(&id, status, None),
        other => Err(ComposioError::invalid(format!("Connected account {id} is {other}: it must be connected anew"))),
    })?;
    Ok(Json(json!({ "success": true })))
}

async fn revoke_account(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    let revoked = sandbox.change(|state| state.set_status(&id, "REVOKED", Some("Access was taken back")))?;
    Ok(Json(json!({
        "revoked_tokens": ["access_token"],
        "connected_account": { "id": revoked.id, "status": revoked.status },
    })))
}

fn tool_value(tool: &tools::Tool) -> Value {
    json!({
        "slug": tool.slug,
        "name": tool.slug,
        "description": "As far as the sandbox knows it.",
        "toolkit": { "slug": tool.toolkit, "name": tool.toolkit, "logo": "" },
        "input_parameters": tool.input_parameters(),
        "output_parameters": { "type": "object", "properties": {} },
        "no_auth": false,
        "version": VERSION,
        "available_versions": [VERSION],
        "scopes": [],
        "tags": [],
        "is_deprecated": false,
    })
}

async fn list_tools(Query(query): Raw) -> Json<Value> {
    let filters = Filters(query);
    let fits =
        |tool: &&tools::Tool| filters.allows("toolkit_slug", tool.toolkit) && filters.allows("tool_slugs", tool.slug);
    Json(filters.page(tools::TOOLS.iter().filter(fits).map(tool_value).collect()))
}

async fn show_tool(Path(slug): Path<String>) -> Answer {
    let tool = tools::find(&slug).ok_or_else(|| ComposioError::missing("Tool", &slug))?;
    Ok(Json(tool_value(tool)))
}

#[derive(Deserialize)]
struct ExecuteIn {
    user_id: Option<String>,
    connected_account_id: Option<String>,
    #[serde(default)]
    arguments: Map<String, Value>,
}

async fn execute(Shared(sandbox): Shared<Sandbox>, Path(slug): Path<String>, Body(wanted): Body<ExecuteIn>) -> Answer {
    let tool = tools::find(&slug).ok_or_else(|| ComposioError::missing("Tool", &slug))?;
    if let Some(objection) = tool.objection(&wanted.arguments) {
        return Err(ComposioError::invalid(objection));
    }
    if wanted.user_id.is_none() && wanted.connected_account_id.is_none() {
        return Err(ComposioError::invalid("Invalid request data provided: user_id or connected_account_id is needed"));
    }
    let executed = sandbox.change(|state| {
        let user = wanted.user_id.as_deref();
        let fits = |it: &&Account| {
            it.toolkit == tool.toolkit
                && user.is_none_or(|user| user == it.user)
                && wanted.connected_account_id.as_ref().is_none_or(|id| *id == it.id)
        };
        let account = state.accounts.iter().rev().filter(fits).max_by_key(|it| it.status == "ACTIVE");
        let account = account.ok_or_else(|| {
            ComposioError::invalid(format!(
                "No connected account found for user {} and toolkit {}",
                user.unwrap_or("?"),
                tool.toolkit
            ))
        })?;
        if account.status != "ACTIVE" {
            let message = format!("Connected account {} is in {} state, not ACTIVE", account.id, account.status);
            return Err(ComposioError::invalid(message));
        }
        let user = account.user.clone();
        Ok(tools::run(tool, state, &user, &Value::Object(wanted.arguments.clone())))
    })?;
    let log_id = new_id("log_");
    let answer = match executed {
        Ok(data) => json!({ "data": data, "error": null, "successful": true, "log_id": log_id }),
        Err(error) => json!({ "data": { "message": error }, "error": error, "successful": false, "log_id": log_id }),
    };
    Ok(Json(answer))
}

fn subscription_value(subscription: &Subscription) -> Value {
    json!({
        "id": subscription.id,
        "webhook_url": subscription.webhook_url,
        "version": "V3",
        "enabled_events": subscription.enabled_events,
        "created_at": subscription.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "updated_at": subscription.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
    })
}

async fn list_subscriptions(Shared(sandbox): Shared<Sandbox>, Query(query): Raw) -> Answer {
    let all = sandbox.read(|state| Ok(state.subscriptions.iter().map(subscription_value).collect()))?;
    Ok(Json(Filters(query).page(all)))
}

#[derive(Deserialize)]
struct SubscribeIn {
    webhook_url: String,
    #[serde(default)]
    enabled_events: Vec<String>,
}

/// The secret is told this once.
async fn subscribe(Shared(sandbox): Shared<Sandbox>, Body(wanted): Body<SubscribeIn>) -> Created {
    let subscription = Subscription {
        id: new_id("ws_"),
        webhook_url: wanted.webhook_url,
        enabled_events: wanted.enabled_events,
        secret: new_id("whsec_"),
        created_at: Utc::now(),
    };
    let mut answer = subscription_value(&subscription);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("secret".to_owned(), json!(subscription.secret));
    }
    sandbox.change(|state| {
        state.subscriptions.push(subscription);
        Ok(())
    })?;
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn unsubscribe(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.change(|state| {
        let before = state.subscriptions.len();
        state.subscriptions.retain(|it| it.id != id);
        if state.subscriptions.len() == before {
            return Err(ComposioError::missing("Webhook subscription", &id));
        }
        Ok(Json(json!({ "success": true })))
    })
}

async fn rotate_secret(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Answer {
    sandbox.change(|state| {
        let subscription = state.subscriptions.iter_mut().find(|it| it.id == id);
        let subscription = subscription.ok_or_else(|| ComposioError::missing("Webhook subscription", &id))?;
        subscription.secret = new_id("whsec_");
        Ok(Json(json!({ "id": subscription.id, "secret": subscription.secret })))
    })
}
