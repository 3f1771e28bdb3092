//! Functions as they are registered with Inngest.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;
use url::Url;

use super::{
    BatchEvents, CancelOn, Concurrency, Debounce, FunctionOptions, RateLimit, Singleton, Throttle, Timeouts, Trigger,
};
use crate::function::FUNCTION_FAILED;

/// How often a function for failures is tried again.
const FAILURE_RETRIES: u32 = 1;

/// One function, in Inngest's form. What is absent stays so: for a trigger, `null` would be something.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionConfig<'a> {
    id: String,
    name: String,
    triggers: Vec<Trigger>,
    steps: Steps,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_events: Option<&'a BatchEvents>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cancel: &'a [CancelOn],
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<&'a RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle: Option<&'a Throttle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debounce: Option<&'a Debounce>,
    #[serde(serialize_with = "priority", skip_serializing_if = "Option::is_none")]
    priority: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    concurrency: &'a [Concurrency],
    #[serde(skip_serializing_if = "Option::is_none")]
    singleton: Option<&'a Singleton>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
}

/// The one step that every function has for Inngest: where to call it.
struct Steps {
    url: Url,
    retries: Option<u32>,
}

impl<'a> FunctionConfig<'a> {
    /// The function with this composite id, served at `url`.
    pub(crate) fn new(id: String, options: &'a FunctionOptions, url: &Url) -> Self {
        Self {
            name: name(options).to_owned(),
            triggers: options.triggers.clone(),
            steps: Steps::new(&id, options.retries, url),
            idempotency: options.idempotency.as_deref(),
            batch_events: options.batch_events.as_ref(),
            cancel: &options.cancel_on,
            rate_limit: options.rate_limit.as_ref(),
            throttle: options.throttle.as_ref(),
            debounce: options.debounce.as_ref(),
            priority: options.priority.as_deref(),
            concurrency: &options.concurrency,
            singleton: options.singleton.as_ref(),
            timeouts: Some(options.timeouts).filter(|timeouts| *timeouts != Timeouts::default()),
            id,
        }
    }

    /// The function `id` that handles the failures of the function `of`.
    pub(crate) fn for_failures(id: String, of: &str, options: &FunctionOptions, url: &Url) -> Self {
        Self {
            name: format!("{} (failure)", name(options)),
            triggers: vec![Trigger::event_if(FUNCTION_FAILED, format!("event.data.function_id == '{of}'"))],
            steps: Steps::new(&id, Some(FAILURE_RETRIES), url),
            idempotency: None,
            batch_events: None,
            cancel: &[],
            rate_limit: None,
            throttle: None,
            debounce: None,
            priority: None,
            concurrency: &[],
            singleton: None,
            timeouts: None,
            id,
        }
    }
}

fn name(options: &FunctionOptions) -> &str {
    options.name.as_deref().unwrap_or(&options.id)
}

fn priority<S: Serializer>(run: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("run", run)?;
    map.end()
}

impl Steps {
    fn new(id: &str, retries: Option<u32>, url: &Url) -> Self {
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("fnId", id).append_pair("stepId", "step");
        Self { url, retries }
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut step = json!({"id": "step", "name": "step", "runtime": {"type": "http", "url": self.url.as_str()}});
        if let (Some(retries), Some(step)) = (self.retries, step.as_object_mut()) {
            step.insert("retries".to_owned(), json!({"attempts": retries}));
        }
        json!({"step": step}).serialize(serializer)
    }
}
