//! The options of functions as they are registered, and which are refused.

use std::time::Duration;

use inngest::{
    App, AppError, BatchEvents, CancelOn, Concurrency, Debounce, Function, FunctionOptions, Input, RateLimit, Scope,
    Singleton, SingletonMode, Step, Throttle, Timeouts, Trigger, create_function,
};
use serde_json::{Value, json};

use crate::support::{Endpoint, client};

fn function(options: FunctionOptions) -> Function {
    create_function(options, |_: Input, _: Step| async { Ok(()) })
}

fn options() -> FunctionOptions {
    FunctionOptions::new("test").event("a/b")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn configs(function: Function) -> Vec<Value> {
    let endpoint = Endpoint::dev([function]);
    let body = json!({"url": "http://127.0.0.1:3000/api/inngest"});
    let headers = [("x-inngest-sync-kind", "in_band")];
    let answer = endpoint.ask(axum::http::Method::PUT, "", &headers, body.to_string()).await;
    answer.json()["functions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_function_with_nothing_said_has_nothing_but_what_it_needs() {
    let expected = json!([{
        "id": "my-app-test", "name": "test", "triggers": [{"event": "a/b"}],
        "steps": {"step": {"id": "step", "name": "step", "runtime": {
            "type": "http", "url": "http://127.0.0.1:3000/api/inngest?fnId=my-app-test&stepId=step",
        }}},
    }]);
    assert_eq!(Value::from(configs(function(options())).await), expected);
}

#[tokio::test]
async fn a_function_that_is_only_invoked_has_no_triggers() {
    let configs = configs(function(FunctionOptions::new("test"))).await;
    assert_eq!(configs[0]["triggers"], json!([]));
}

#[tokio::test]
async fn every_option_is_in_its_place() {
    let options = FunctionOptions::new("test")
        .name("Hello")
        .event("probe/hello")
        .trigger(Trigger::event_if("a/b", "event.data.x > 1"))
        .trigger(Trigger::Cron { cron: "TZ=Europe/Paris 0 9 * * 1".to_owned(), jitter: Some(seconds(30)) })
        .retries(4)
        .idempotency("event.data.id")
        .cancel_on(CancelOn { timeout: Some(seconds(3600)), ..CancelOn::event("probe/cancel").matching("data.id") })
        .throttle(Throttle { limit: 5, period: seconds(60), burst: Some(2), key: Some("event.data.u".into()) })
        .debounce(Debounce { period: seconds(5), key: Some("event.data.u".into()), timeout: Some(seconds(60)) })
        .priority("event.data.p")
        .concurrency(Concurrency::new(2).key("event.data.u").scope(Scope::Function))
        .concurrency(Concurrency::new(10))
        .singleton(Singleton { mode: SingletonMode::Skip, key: Some("event.data.u".into()) })
        .timeouts(Timeouts { start: Some(seconds(600)), finish: Some(seconds(3600)) });
    let expected = json!({
        "id": "my-app-test", "name": "Hello",
        "triggers": [
            {"event": "probe/hello"},
            {"event": "a/b", "expression": "event.data.x > 1"},
            {"cron": "TZ=Europe/Paris 0 9 * * 1", "jitter": "30s"},
        ],
        "steps": {"step": {"id": "step", "name": "step", "retries": {"attempts": 4}, "runtime": {
            "type": "http", "url": "http://127.0.0.1:3000/api/inngest?fnId=my-app-test&stepId=step",
        }}},
        "idempotency": "event.data.id",
        "cancel": [{"event": "probe/cancel", "if": "event.data.id == async.data.id", "timeout": "1h"}],
        "throttle": {"limit": 5, "period": "1m", "burst": 2, "key": "event.data.u"},
        "debounce": {"period": "5s", "key": "event.data.u", "timeout": "1m"},
        "priority": {"run": "event.data.p"},
        "concurrency": [{"limit": 2, "key": "event.data.u", "scope": "fn"}, {"limit": 10}],
        "singleton": {"mode": "skip", "key": "event.data.u"},
        "timeouts": {"start": "10m", "finish": "1h"},
    });
    assert_eq!(configs(function(options)).await, [expected]);
}

#[tokio::test]
async fn batches_and_rate_limits_too() {
    let batch = BatchEvents {
        max_size: 10,
        timeout: seconds(5),
        key: Some("event.data.u".into()),
        condition: Some("event.data.big == false".into()),
    };
    let limit = RateLimit { limit: 1, period: seconds(60), key: Some("event.data.u".into()) };
    let config = &configs(function(options().batch_events(batch).rate_limit(limit).retries(0))).await[0];
    let expected = json!({"maxSize": 10, "timeout": "5s", "key": "event.data.u", "if": "event.data.big == false"});
    assert_eq!(config["batchEvents"], expected);
    assert_eq!(config["rateLimit"], json!({"limit": 1, "period": "1m", "key": "event.data.u"}));
    assert_eq!(config["steps"]["step"]["retries"], json!({"attempts": 0}));
}

#[tokio::test]
async fn what_handles_failures_is_a_function_of_its_own() {
    let with_failures = function(options().name("Hello").retries(7)).on_failure(|_, _| async { Ok(()) });
    let configs = configs(with_failures).await;
    assert_eq!(configs.len(), 2);
    let expected = json!({
        "id": "my-app-test-failure", "name": "Hello (failure)",
        "triggers": [{
            "event": "inngest/function.failed", "expression": "event.data.function_id == 'my-app-test'",
        }],
        "steps": {"step": {"id": "step", "name": "step", "retries": {"attempts": 1}, "runtime": {
            "type": "http", "url": "http://127.0.0.1:3000/api/inngest?fnId=my-app-test-failure&stepId=step",
        }}},
    });
    assert_eq!(configs.iter().find(|config| config["id"] == "my-app-test-failure"), Some(&expected));
}

fn refusal(options: FunctionOptions) -> String {
    match App::new(client(&[("INNGEST_DEV", "1")]), [function(options)]) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_limit_is_held_and_named() {
    let batch = || BatchEvents { max_size: 2, timeout: seconds(1), key: None, condition: None };
    let batched = || options().batch_events(batch());
    let repeat = |count, add: fn(FunctionOptions) -> FunctionOptions| (0..count).fold(options(), |it, _| add(it));
    let debounce = |period| options().debounce(Debounce { period, key: None, timeout: None });
    let limit = |limit, period| options().rate_limit(RateLimit { limit, period, key: None });
    let throttle = |limit, period| options().throttle(Throttle { limit, period, burst: None, key: None });
    let jitter = |jitter| options().trigger(Trigger::Cron { cron: "* * * * *".into(), jitter: Some(jitter) });
    let singleton = || Singleton { mode: SingletonMode::Cancel, key: None };
    let wrong = [
        (FunctionOptions::new("a b"), "id"),
        (FunctionOptions::new(""), "id"),
        (options().name(""), "name"),
        (repeat(10, |it| it.event("x")), "triggers"),
        (options().event(""), "triggers.event"),
        (options().event("x".repeat(256)), "triggers.event"),
        (options().event("inngest/function.invoked"), "triggers.event"),
        (options().trigger(Trigger::event_if("x", " ")), "triggers.expression"),
        (options().cron("@daily"), "triggers.cron"),
        (options().cron("0 * * * * *"), "triggers.cron"),
        (jitter(seconds(301)), "triggers.jitter"),
        (jitter(Duration::from_millis(999)), "triggers.jitter"),
        (options().retries(21), "retries"),
        (repeat(3, |it| it.concurrency(Concurrency::new(1))), "concurrency"),
        (options().concurrency(Concurrency::new(0)), "concurrency.limit"),
        (options().concurrency(Concurrency::new(1).scope(Scope::Account)), "concurrency.key"),
        (throttle(0, seconds(1)), "throttle.limit"),
        (throttle(1, seconds(0)), "throttle.period"),
        (limit(0, seconds(60)), "rate_limit.limit"),
        (limit(1, seconds(24 * 3600 + 1)), "rate_limit.period"),
        (limit(1, seconds(60)).idempotency("event.data.id"), "rate_limit"),
        (debounce(seconds(0)), "debounce.period"),
        (debounce(seconds(7 * 24 * 3600 + 1)), "debounce.period"),
        (options().idempotency(""), "idempotency"),
        (options().priority(""), "priority"),
        (repeat(6, |it| it.cancel_on(CancelOn::event("x"))), "cancel_on"),
        (options().cancel_on(CancelOn::event("")), "cancel_on.event"),
        (options().batch_events(BatchEvents { max_size: 1, ..batch() }), "batch_events.max_size"),
        (options().batch_events(BatchEvents { max_size: 101, ..batch() }), "batch_events.max_size"),
        (options().batch_events(BatchEvents { timeout: seconds(0), ..batch() }), "batch_events.timeout"),
        (batched().cancel_on(CancelOn::event("x")), "batch_events"),
        (batched().debounce(Debounce { period: seconds(1), key: None, timeout: None }), "batch_events"),
        (batched().priority("1"), "batch_events"),
        (batched().singleton(singleton()), "batch_events"),
    ];
    for (options, field) in wrong {
        let refusal = refusal(options);
        assert!(refusal.starts_with("function `") && refusal.contains(&format!("`: {field} ")), "{field}: {refusal}");
    }
}

#[test]
fn what_is_just_within_the_limits_is_taken() {
    let most = (0..9).fold(options(), |it, _| it.event("x".repeat(255)));
    let batch = BatchEvents { max_size: 100, timeout: seconds(1), key: None, condition: None };
    for options in [
        most.retries(20),
        options().concurrency(Concurrency::new(1).key("event.data.u").scope(Scope::Environment)),
        options().rate_limit(RateLimit { limit: 1, period: seconds(24 * 3600), key: None }),
        options().debounce(Debounce { period: seconds(7 * 24 * 3600), key: None, timeout: None }),
        options().batch_events(batch),
        (0..5).fold(options(), |it, _| it.cancel_on(CancelOn::event("x"))),
        options().event("inngest/function.finished"),
    ] {
        assert_eq!(refusal(options), "taken");
    }
}

#[test]
fn ids_are_unique_with_those_of_failures() {
    let dev = || client(&[("INNGEST_DEV", "1")]);
    let twice = App::new(dev(), [function(options()), function(options())]).err();
    assert_eq!(twice, Some(AppError::Duplicate("test".into())));
    let failing = function(options()).on_failure(|_, _| async { Ok(()) });
    let taken = App::new(dev(), [failing, function(FunctionOptions::new("test-failure"))]).err();
    assert_eq!(taken, Some(AppError::Duplicate("test-failure".into())));
}

#[test]
fn the_id_of_an_app_has_to_fit_too() {
    let client = inngest::Inngest::new("my app", crate::support::config(&[]), crate::support::http());
    assert_eq!(App::new(client, []).err(), Some(AppError::AppId("my app".into())));
}
