//! POST: who may call, what is called, and what is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Method;
use chrono::{DateTime, Utc};
use inngest::{
    Event, Failure, Function, FunctionOptions, Input, NonRetriable, RetryAfter, Step, StepId, create_function,
};
use serde_json::{Value, json};

use crate::support::{Answer, Endpoint, FALLBACK, KEY, Scripted, bearer, client, first_call, nowhere, sign};

const TEST: &str = "?fnId=my-app-test&stepId=step";

/// A function that counts how often it ran, and gives its input.
fn counting() -> (Function, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let function = create_function(FunctionOptions::new("test").event("a/b"), move |input: Input, _: Step| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move { Ok(json!([input.event.data, input.events.len(), input.run_id, input.attempt])) }
    });
    (function, count)
}

fn function<R, F, Fut>(body: F) -> Endpoint
where
    R: serde::Serialize,
    F: Fn(Input, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = inngest::Result<R>> + Send + 'static,
{
    Endpoint::dev([create_function(FunctionOptions::new("test").event("a/b"), body)])
}

fn assert_retried(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-no-retry")), (500, Some("false")));
    answer.assert_of_sdk();
}

#[tokio::test]
async fn a_signed_call_runs_and_its_answer_is_signed_with_the_same_key() {
    let (function, count) = counting();
    let endpoint = Endpoint::cloud([function]);
    for key in [KEY, FALLBACK] {
        let answer = endpoint.ask_signed(key, Method::POST, TEST, &[], first_call().to_string()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!([{"x": 1}, 1, "01M84QQ1JY1N3BJRAKPXBDSV82", 0]));
        assert!(answer.header("x-inngest-signature").is_some());
        answer.assert_of_sdk();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn nobody_else_runs_anything_or_learns_anything() {
    let (function, count) = counting();
    let endpoint = Endpoint::cloud([function]);
    let body = first_call().to_string();
    let now = Utc::now().timestamp();
    let good = sign(KEY, body.as_bytes(), now);
    let (old, early) = (sign(KEY, body.as_bytes(), now - 400), sign(KEY, body.as_bytes(), now + 400));
    let other = sign(&KEY.replace('0', "1"), body.as_bytes(), now);
    let post = async |headers: &[(&str, &str)], query: &str, body: &str| {
        endpoint.ask(Method::POST, query, headers, body).await.assert_refused();
    };
    post(&[], TEST, &body).await;
    post(&[("x-inngest-server-kind", "dev")], TEST, &body).await;
    for signature in ["", "t=1&s=2", &old, &early, &other] {
        post(&[("x-inngest-signature", signature)], TEST, &body).await;
    }
    post(&[("x-inngest-signature", &good)], TEST, &body.replace("\"x\":1", "\"x\":2")).await;
    // Whether a function exists is nobody's business either.
    post(&[], "?fnId=my-app-none&stepId=step", &body).await;
    post(&[], "?probe=trust", "").await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn without_a_key_the_cloud_is_refused_and_not_served_unsigned() {
    let (function, count) = counting();
    let endpoint = Endpoint::new(client(&[]), [function]);
    let answer = endpoint.ask_signed(KEY, Method::POST, TEST, &[], first_call().to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (500, json!({"code": "internal_server_error"})));
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn dev_mode_takes_unsigned_calls_and_does_not_sign() {
    let (function, _) = counting();
    let with_key = client(&[("INNGEST_DEV", "1"), ("INNGEST_SIGNING_KEY", KEY)]);
    let answer = Endpoint::new(with_key, [function]).call("step", &first_call()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-signature")), (200, None));
}

#[tokio::test]
async fn the_signature_is_of_the_bytes_and_not_of_what_they_mean() {
    let (function, _) = counting();
    let endpoint = Endpoint::cloud([function]);
    let body = first_call().to_string().replace("\"x\":1", "\"x\" : 1.0E+2, \"big\": 12345678901234567000");
    let answer = endpoint.ask_signed(KEY, Method::POST, TEST, &[], body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()[0]["x"]), (200, &json!(100.0)));
}

#[tokio::test]
async fn a_trust_probe_is_answered_and_runs_nothing() {
    let (function, count) = counting();
    let endpoint = Endpoint::cloud([function]);
    let query = "?fnId=my-app-test&stepId=step&probe=trust";
    let answer = endpoint.ask_signed(KEY, Method::POST, query, &[], first_call().to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "{}"));
    assert!(answer.header("x-inngest-signature").is_some());
    endpoint.ask(Method::POST, query, &[], "").await.assert_refused();
    let answer = endpoint.ask_signed(KEY, Method::POST, "?fnId=my-app-test&probe=other", &[], "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_function_that_ends() {
    let answer = function(|_, _| async { Ok(()) }).call("step", &first_call()).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "null"));
    answer.assert_of_sdk();
}

#[tokio::test]
async fn a_function_that_fails_is_tried_again() {
    let endpoint = function(|_, _| async { Err::<(), _>(std::io::Error::other("no luck").into()) });
    let answer = endpoint.call("step", &first_call()).await;
    assert_retried(&answer);
    assert_eq!(answer.json(), json!({"name": "Error", "message": "no luck"}));
    assert_eq!(answer.header("retry-after"), None);
}

#[tokio::test]
async fn a_function_that_fails_for_good() {
    let endpoint = function(|_, _| async { Err::<(), _>(NonRetriable::new("no use").into()) });
    let answer = endpoint.call("step", &first_call()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-no-retry")), (400, Some("true")));
    assert_eq!(answer.json(), json!({"name": "NonRetriableError", "message": "no use"}));
}

#[tokio::test]
async fn a_function_that_says_when_to_try_again() {
    let endpoint = function(|_, _| async {
        let at = DateTime::from_timestamp(1_795_455_440, 0).unwrap();
        Err::<(), _>(RetryAfter::at("busy", at).into())
    });
    let answer = endpoint.call("step", &first_call()).await;
    assert_retried(&answer);
    assert_eq!(answer.header("retry-after"), Some("2026-11-23T17:37:20Z"));
}

#[tokio::test]
async fn the_last_attempt_of_a_function() {
    let endpoint = function(|_, _| async { Err::<(), _>(RetryAfter::after("busy", Duration::from_secs(5)).into()) });
    let mut call = first_call();
    for (attempt, max, status) in [(0, json!(1), 400), (3, json!(5), 500), (4, json!(5), 400), (9, Value::Null, 500)] {
        call["ctx"]["attempt"] = json!(attempt);
        call["ctx"]["max_attempts"] = max;
        let answer = endpoint.call("step", &call).await;
        assert_eq!(answer.status, status, "{attempt}");
        assert_eq!(answer.header("x-inngest-no-retry"), Some(if status == 400 { "true" } else { "false" }));
        assert_eq!(answer.header("retry-after").is_some(), status == 500);
    }
}

#[tokio::test]
async fn a_function_that_panics_is_tried_again() {
    let endpoint = function(|_, _| async { if true { panic!("oh") } else { Ok(()) } });
    let answer = endpoint.call("step", &first_call()).await;
    assert_retried(&answer);
    assert_eq!(answer.json(), json!({"name": "Panic", "message": "oh"}));
}

#[tokio::test]
async fn a_function_that_is_not_there_may_be_there_later() {
    let (function, _) = counting();
    let endpoint = Endpoint::dev([function]);
    for query in ["?fnId=my-app-none&stepId=step", "?fnId=test&stepId=step", ""] {
        assert_retried(&endpoint.ask(Method::POST, query, &[], first_call().to_string()).await);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read() {
    let (function, count) = counting();
    let endpoint = Endpoint::dev([function]);
    for body in ["", "{", r#"{"ctx":{"attempt":"many"}}"#, r#"{"events":[{}]}"#] {
        assert_retried(&endpoint.ask(Method::POST, TEST, &[], body).await);
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_is_left_out_or_null_does_not_matter() {
    let (function, _) = counting();
    let endpoint = Endpoint::dev([function]);
    let bodies = [
        json!({"event": {"name": "a/b"}}),
        json!({"event": {"name": "a/b", "data": null, "user": null, "id": null, "ts": null}, "events": [], "more": 1}),
        json!({"event": null, "events": [{"name": "a/b", "data": {}}], "ctx": null, "steps": null, "use_api": null}),
        json!({"event": {"name": "a/b"}, "events": null, "ctx": {"stack": {"stack": null, "current": 0}, "x": []}}),
        json!({"event": {"name": "a/b"}, "ctx": {"stack": null, "attempt": null, "run_id": null}}),
    ];
    for body in bodies {
        let answer = endpoint.call("step", &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!([{}, 1, "", 0])), "{body}");
    }
}

#[tokio::test]
async fn the_real_first_call_of_a_cron_function() {
    let body = r#"{"ctx":{"attempt":0,"disable_immediate_execution":false,"env":"","fn_id":"9ca9edd8-ad14-5673-a43e-a16e46d9e7ed","generation_id":1,"job_id":"k2lo91j3vwdb","max_attempts":5,"qi_id":"azJsbzkxajN2d2RiOjpkZWZhdWx0","request_id":"01M84QQ1KGXEPDQPDMZAWBN9SW","run_id":"01M84QQ1JY1N3BJRAKPXBDSV82","stack":{"current":0,"stack":[]},"step_id":"step","use_api":false},"defers":{},"event":{"data":{"cron":"* * * * *","fireAt":"2026-11-23T17:37:00Z","scheduledAt":"2026-11-23T17:37:00Z"},"id":"2026-11-23T17:37:00Z","name":"inngest/scheduled.timer","ts":1795455420000,"user":{}},"events":[],"steps":{},"use_api":false,"version":-1}"#;
    let (function, _) = counting();
    let answer = Endpoint::dev([function]).ask(Method::POST, TEST, &[], body).await;
    assert_eq!(answer.json()[0]["cron"], "* * * * *");
}

#[tokio::test]
async fn a_batch_is_given_whole() {
    let endpoint = function(|input, _| async move {
        Ok(json!([input.event.data["n"], input.events.iter().map(|it| it.data["n"].clone()).collect::<Vec<_>>()]))
    });
    let mut call = first_call();
    call["events"] = (0..3).map(|n| json!({"name": "a/b", "data": {"n": n}})).collect();
    call["event"] = call["events"][0].clone();
    assert_eq!(endpoint.call("step", &call).await.json(), json!([0, [0, 1, 2]]));
}

#[tokio::test]
async fn how_a_function_was_invoked_is_not_told_to_it() {
    let (function, _) = counting();
    let mut call = first_call();
    call["events"] = json!([{"name": "inngest/function.invoked", "data": {"x": 1, "_inngest": {"fn_id": "f"}}}]);
    let answer = Endpoint::dev([function]).call("step", &call).await;
    assert_eq!(answer.json()[0], json!({"x": 1}));
}

#[tokio::test]
async fn data_that_does_not_fit_will_not_fit_later() {
    #[derive(Clone, serde::Deserialize)]
    struct Data {
        #[serde(rename = "y")]
        _y: u8,
    }
    let function = create_function(FunctionOptions::new("test"), |_: Input<Data>, _| async { Ok(()) });
    let answer = Endpoint::dev([function]).call("step", &first_call()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-inngest-no-retry")), (400, Some("true")));
}

#[tokio::test]
async fn failures_are_handled_by_a_function_of_their_own() {
    let function = create_function(FunctionOptions::new("test"), |_: Input, _| async { Ok("other") });
    let function = function.on_failure(|input: Input<Failure>, _| async move {
        let Failure { error, event, function_id, run_id } = input.event.data;
        Ok(json!([error.message, event.data, function_id, run_id]))
    });
    let mut call = first_call();
    call["events"] = json!([{"name": "inngest/function.failed", "data": {
        "_inngest": {"status": "Failed"}, "error": {"name": "Error", "message": "no use", "stack": "", "error": "x"},
        "event": {"name": "a/b", "data": {"x": 1}}, "events": [{"name": "a/b", "data": {"x": 1}}],
        "function_id": "my-app-test", "run_id": "r", "result": null,
    }}]);
    let query = "?fnId=my-app-test-failure&stepId=step";
    let answer = Endpoint::dev([function]).ask(Method::POST, query, &[], call.to_string()).await;
    assert_eq!(answer.json(), json!(["no use", {"x": 1}, "my-app-test", "r"]));
}

fn one_step() -> Endpoint {
    function(|_, step| async move {
        Ok(futures::try_join!(step.run("a", || async { Ok(1) }), step.run("b", || async { Ok(2) }))?)
    })
}

#[tokio::test]
async fn only_the_step_that_is_called_for_is_done_and_reported() {
    let b = StepId::new("b", 0).hash;
    let answer = one_step().call(&b, &first_call()).await;
    let ops = answer.json();
    assert_eq!((answer.status.as_u16(), ops.as_array().unwrap().len()), (206, 1));
    assert_eq!((&ops[0]["id"], &ops[0]["op"], &ops[0]["data"]), (&json!(b), &json!("StepRun"), &json!(2)));
}

#[tokio::test]
async fn a_step_that_is_not_found_may_be_found_later() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(1) }).await?) });
    let mut call = first_call();
    let a = StepId::new("a", 0).hash;
    call["steps"] = json!({&a: {"data": 1}});
    let gone = StepId::new("gone", 0).hash;
    let answer = endpoint.call(&gone, &call).await;
    assert_retried(&answer);
    let body = answer.json();
    assert_eq!((&body["requestedStep"], &body["foundSteps"]), (&json!(gone), &json!([a])));
    assert_eq!(body["error"], json!(format!("Could not find step {gone}")));
}

#[tokio::test]
async fn a_step_is_only_planned_when_it_may_not_be_done_at_once() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(1) }).await?) });
    let mut call = first_call();
    call["ctx"]["disable_immediate_execution"] = json!(true);
    let planned = endpoint.call("step", &call).await.json();
    assert_eq!((planned.as_array().unwrap().len(), &planned[0]["op"]), (1, &json!("StepPlanned")));
    let ran = endpoint.call(&StepId::new("a", 0).hash, &call).await.json();
    assert_eq!(ran[0]["op"], "StepRun");
}

#[tokio::test]
async fn a_body_of_five_megabytes_is_read_and_one_of_nine_is_not() {
    let (function, count) = counting();
    let endpoint = Endpoint::cloud([function]);
    let mut call = first_call();
    call["steps"] = json!({"x": {"data": "x".repeat(5 * 1024 * 1024)}});
    let answer = endpoint.ask_signed(KEY, Method::POST, TEST, &[], call.to_string()).await;
    assert_eq!((answer.status.as_u16(), count.load(Ordering::Relaxed)), (200, 1));
    call["steps"] = json!({"x": {"data": "x".repeat(9 * 1024 * 1024)}});
    let answer = endpoint.ask_signed(KEY, Method::POST, TEST, &[], call.to_string()).await;
    assert_eq!((answer.status.as_u16(), count.load(Ordering::Relaxed)), (413, 1));
}

fn using_api(place: &str) -> Value {
    let mut call = first_call();
    call["events"] = json!([]);
    match place {
        "ctx" => call["ctx"]["use_api"] = json!(true),
        _ => call["use_api"] = json!(true),
    }
    call
}

async fn call_with_api(inngest: &Scripted, place: &str) -> Answer {
    let function = create_function(FunctionOptions::new("test"), |input: Input, step| async move {
        Ok(json!([step.run("a", || async { Ok(json!("anew")) }).await?, input.events.len()]))
    });
    let variables = [
        ("INNGEST_BASE_URL", inngest.origin.as_str()),
        ("INNGEST_SIGNING_KEY", KEY),
        ("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK),
    ];
    let endpoint = Endpoint::new(client(&variables), [function]);
    endpoint.ask_signed(KEY, Method::POST, TEST, &[], using_api(place).to_string()).await
}

fn state() -> (Value, Value) {
    let events: Value = (0..2).map(|n| json!({"name": "a/b", "data": {"n": n}})).collect();
    (json!({StepId::new("a", 0).hash: {"data": "large"}}), events)
}

#[tokio::test]
async fn what_was_too_large_to_be_sent_is_fetched() {
    for place in ["ctx", "body"] {
        let (steps, events) = state();
        let inngest = Scripted::start(&[(200, steps), (200, events)]).await;
        let answer = call_with_api(&inngest, place).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(["large", 2])));
        let asked = inngest.asked();
        let uris: Vec<_> = asked.iter().map(|asked| asked.uri.as_str()).collect();
        let run = "/v0/runs/01M84QQ1JY1N3BJRAKPXBDSV82";
        assert_eq!(uris, [format!("{run}/actions"), format!("{run}/batch")]);
        assert!(asked.iter().all(|asked| asked.header("authorization") == Some(&bearer(KEY))));
    }
}

#[tokio::test]
async fn what_is_fetched_is_fetched_with_the_fallback_key_too() {
    let (steps, events) = state();
    let inngest = Scripted::start(&[(401, json!("no")), (200, steps), (200, events)]).await;
    let answer = call_with_api(&inngest, "ctx").await;
    assert_eq!(answer.json(), json!(["large", 2]));
    assert_eq!(inngest.asked()[1].header("authorization"), Some(&*bearer(FALLBACK)));
}

#[tokio::test]
async fn without_its_state_a_function_does_not_begin_anew() {
    let gone = json!({"error": "runtime state is no longer available"});
    for (status, body) in [(410, gone), (401, json!("no")), (500, json!("")), (200, json!("<html>"))] {
        let inngest = Scripted::start(&[(status, body)]).await;
        assert_retried(&call_with_api(&inngest, "ctx").await);
    }
    let unreachable = client(&[("INNGEST_DEV", &nowhere().await)]);
    let (function, count) = counting();
    let endpoint = Endpoint::new(unreachable, [function]);
    assert_retried(&endpoint.call("step", &using_api("ctx")).await);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn events_that_a_run_sends_belong_to_its_trace() {
    let inngest = Scripted::start(&[(200, json!({"ids": ["id"], "status": 200}))]).await;
    let function = create_function(FunctionOptions::new("test"), |_: Input, step| async move {
        Ok(step.send_event("a", vec![Event::new("c/d", json!({}))]).await?)
    });
    let endpoint = Endpoint::new(client(&[("INNGEST_DEV", &inngest.origin)]), [function]);
    let headers = [("traceparent", "00-1-2-01"), ("tracestate", "x=1"), ("cookie", "c")];
    let answer = endpoint.ask(Method::POST, TEST, &headers, first_call().to_string()).await;
    assert_eq!(answer.json()[0]["data"], json!(["id"]));
    let asked = &inngest.asked()[0];
    assert_eq!((asked.header("traceparent"), asked.header("tracestate")), (Some("00-1-2-01"), Some("x=1")));
    assert_eq!(asked.header("cookie"), None);
    let id = format!("01M84QQ1JY1N3BJRAKPXBDSV82:{}:0", StepId::new("a", 0).hash);
    assert_eq!(asked.json()[0]["id"], json!(id));
}
