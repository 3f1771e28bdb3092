//! What came of steps, in Inngest's form; and what it remembers of them.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::DateTime;
use inngest::{
    Condition, Event, Function, FunctionOptions, Input, Invoke, NonRetriable, Result, RetryAfter, Signal, Step, StepId,
    WaitForEvent, WaitForSignal, create_function,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{Answer, Endpoint, first_call};

const A: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";

fn function<R, F, Fut>(body: F) -> Endpoint
where
    R: Serialize,
    F: Fn(Input, Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    let function: Function = create_function(FunctionOptions::new("test").event("a/b"), body);
    Endpoint::dev([function])
}

/// The answer to a call for no certain step.
async fn discover(endpoint: &Endpoint) -> Answer {
    let answer = endpoint.call("step", &first_call()).await;
    answer.assert_of_sdk();
    answer
}

/// The answer when the step `a` is remembered so.
async fn remembering(endpoint: &Endpoint, memo: Value) -> Answer {
    let mut call = first_call();
    call["steps"] = json!({A: memo});
    call["ctx"]["stack"] = json!({"current": 1, "stack": [A]});
    endpoint.call("step", &call).await
}

#[test]
fn the_hashes_of_steps() {
    let vectors = [
        ("my-step-id", 0, "e7d8a2f140845095749d60246ff1110c9d01d76a"),
        ("my-step-id", 1, "f47c6228c581af870aa285200cf95ec3ac59bb6a"),
        ("my-step-id", 2, "5fdb32cd3e6e3d62fa480ac2ad526b79c2682845"),
        ("first step", 0, "98bf98df193bcce7c33e6bc50927cf2ac21206cb"),
        ("sleep", 0, "c3ca5f787365eae0dea86250e27d476406956478"),
        ("wait", 0, "daaad336276d15594d0e765f96c17cd746bf4971"),
        ("loop", 0, "1df823e482339eb6067f4134408b0b8b28411a78"),
        ("loop", 1, "a0cb75f0a464ed6731caadd18aa9932daf00bb50"),
        ("complete", 0, "0737c22d3bfae812339732d14d8c7dbd6dc4e09c"),
    ];
    for (id, index, hash) in vectors {
        assert_eq!(StepId::new(id, index).hash, hash, "{id}:{index}");
    }
}

#[tokio::test]
async fn a_step_that_ran() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(json!({"x": "é"})) }).await?) });
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let expected = format!(
        r#"[{{"id":"{A}","op":"StepRun","name":"a","displayName":"a","userland":{{"id":"a"}},"data":{{"x":"é"}}}}]"#
    );
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.header("x-inngest-no-retry"), None);
}

#[tokio::test]
async fn a_step_without_a_result_has_null() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(()) }).await?) });
    let answer = discover(&endpoint).await;
    assert!(answer.text().ends_with(r#""data":null}]"#), "{}", answer.text());
}

#[tokio::test]
async fn a_step_with_an_id_used_before_has_an_index() {
    let endpoint = function(|_, step| async move {
        step.run("loop", || async { Ok(0) }).await?;
        Ok(step.run("loop", || async { Ok(1) }).await?)
    });
    let mut call = first_call();
    call["steps"] = json!({"1df823e482339eb6067f4134408b0b8b28411a78": {"data": 0}});
    let op = &endpoint.call("step", &call).await.json()[0];
    assert_eq!(op["id"], "a0cb75f0a464ed6731caadd18aa9932daf00bb50");
    assert_eq!(op["userland"], json!({"id": "loop", "index": 1}));
}

#[tokio::test]
async fn a_step_that_failed_and_is_tried_again() {
    let endpoint = function(|_, step| async move {
        Ok(step.run("a", || async { Err::<(), _>(std::io::Error::other("no luck").into()) }).await?)
    });
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let expected = json!([{
        "id": A, "op": "StepError", "name": "a", "displayName": "a", "userland": {"id": "a"},
        "error": {"name": "Error", "message": "no luck"}, "data": null,
    }]);
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("x-inngest-no-retry"), Some("false"));
    assert_eq!(answer.header("retry-after"), None);
}

#[tokio::test]
async fn a_step_that_failed_and_says_when_to_try_again() {
    let endpoint = function(|_, step| async move {
        let at = DateTime::from_timestamp_millis(1_795_455_440_143).unwrap();
        Ok(step.run("a", move || async move { Err::<(), _>(RetryAfter::at("busy", at).into()) }).await?)
    });
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(answer.json()[0]["op"], "StepError");
    assert_eq!(answer.json()[0]["error"], json!({"name": "RetryAfterError", "message": "busy"}));
    assert_eq!(answer.header("x-inngest-no-retry"), Some("false"));
    assert_eq!(answer.header("retry-after"), Some("2026-11-23T17:37:21Z"));
}

#[tokio::test]
async fn a_step_that_failed_for_good() {
    let endpoint = function(|_, step| async move {
        Ok(step.run("a", || async { Err::<(), _>(NonRetriable::new("no use").into()) }).await?)
    });
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(answer.json()[0]["op"], "StepFailed");
    assert_eq!(answer.json()[0]["error"], json!({"name": "NonRetriableError", "message": "no use"}));
    assert_eq!(answer.json()[0]["data"], Value::Null);
    assert_eq!(answer.header("x-inngest-no-retry"), Some("true"));
}

#[tokio::test]
async fn the_last_attempt_of_a_step() {
    let endpoint = function(|_, step| async move {
        let late = || async { Err::<(), _>(RetryAfter::after("busy", Duration::from_secs(5)).into()) };
        Ok(step.run("a", late).await?)
    });
    let mut call = first_call();
    for (attempt, op, no_retry) in [(3, "StepError", "false"), (4, "StepFailed", "true")] {
        call["ctx"]["attempt"] = json!(attempt);
        let answer = endpoint.call("step", &call).await;
        assert_eq!(answer.json()[0]["op"], op);
        assert_eq!(answer.header("x-inngest-no-retry"), Some(no_retry));
        assert_eq!(answer.header("retry-after").is_some(), no_retry == "false");
    }
}

#[tokio::test]
async fn a_step_that_panics_is_tried_again() {
    let endpoint =
        function(
            |_, step| async move { Ok(step.run("a", || async { if true { panic!("oh") } else { Ok(()) } }).await?) },
        );
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(answer.json()[0]["error"], json!({"name": "Panic", "message": "oh"}));
    assert_eq!(answer.header("x-inngest-no-retry"), Some("false"));
}

#[tokio::test]
async fn two_steps_are_planned_in_one_answer() {
    let endpoint = function(|_, step| async move {
        let nap = step.sleep("b", Duration::from_secs(1));
        Ok(futures::try_join!(step.run("a", || async { Ok(1) }), nap)?.0)
    });
    let answer = discover(&endpoint).await;
    let b = StepId::new("b", 0).hash;
    let expected = json!([
        {"id": A, "op": "StepPlanned", "name": "a", "displayName": "a", "userland": {"id": "a"}, "data": null},
        {"id": b, "op": "Sleep", "name": "b", "displayName": "b", "userland": {"id": "b"},
            "opts": {"duration": "1s"}, "data": null},
    ]);
    assert_eq!((answer.status.as_u16(), answer.json()), (206, expected));
}

async fn opts<T>(body: fn(Step) -> inngest::StepFuture<T>) -> (Value, Value)
where
    T: Serialize + Send + 'static,
{
    let endpoint = function(move |_, step| async move { Ok(body(step).await?) });
    let answer = discover(&endpoint).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let ops = answer.json();
    assert_eq!((ops.as_array().unwrap().len(), &ops[0]["id"], &ops[0]["data"]), (1, &json!(A), &Value::Null));
    (ops[0]["op"].clone(), ops[0]["opts"].clone())
}

#[tokio::test]
async fn sleeps() {
    let so_long = opts(|step| step.sleep("a", Duration::from_secs(90 * 60))).await;
    assert_eq!(so_long, (json!("Sleep"), json!({"duration": "1h30m"})));
    let until = opts(|step| step.sleep_until("a", DateTime::from_timestamp(1_795_455_440, 0).unwrap())).await;
    assert_eq!(until, (json!("Sleep"), json!({"duration": "2026-11-23T17:37:20.000Z"})));
}

#[tokio::test]
async fn waits_for_events() {
    let matching = opts(|step| {
        let condition = Some(Condition::Match("data.k".into()));
        step.wait_for_event::<Value>(
            "a",
            WaitForEvent { event: "a/b".into(), timeout: Duration::from_secs(20), condition },
        )
    });
    let expected = json!({"event": "a/b", "timeout": "20s", "if": "event.data.k == async.data.k"});
    assert_eq!(matching.await, (json!("WaitForEvent"), expected));
    let such = opts(|step| {
        let condition = Some(Condition::Expression("async.data.k > 1".into()));
        step.wait_for_event::<Value>(
            "a",
            WaitForEvent { event: "a/b".into(), timeout: Duration::from_secs(20), condition },
        )
    });
    assert_eq!(such.await.1["if"], "async.data.k > 1");
    let any = opts(|step| {
        let wait = WaitForEvent { event: "a/b".into(), timeout: Duration::from_secs(20), condition: None };
        step.wait_for_event::<Value>("a", wait)
    });
    assert_eq!(any.await, (json!("WaitForEvent"), json!({"event": "a/b", "timeout": "20s"})));
}

#[tokio::test]
async fn waits_for_signals() {
    let endpoint = function(|input, step| async move {
        let replace = input.event.data["x"] == 2;
        let wait = WaitForSignal { signal: "s".into(), timeout: Duration::from_secs(20), replace };
        Ok(step.wait_for_signal("a", wait).await?.is_some())
    });
    let mut call = first_call();
    for (x, conflict) in [(1, "fail"), (2, "replace")] {
        call["events"][0]["data"]["x"] = json!(x);
        let op = &endpoint.call("step", &call).await.json()[0];
        assert_eq!(op["op"], "WaitForSignal");
        assert_eq!(op["opts"], json!({"signal": "s", "timeout": "20s", "conflict": conflict}));
    }
}

#[tokio::test]
async fn invocations() {
    let invoke = opts(|step| {
        let timeout = Some(Duration::from_secs(3600));
        step.invoke::<Value>("a", Invoke { function: "app-fn".into(), data: json!({"x": 1}), timeout })
    });
    let expected = json!({"function_id": "app-fn", "payload": {"data": {"x": 1}}, "timeout": "1h"});
    assert_eq!(invoke.await, (json!("InvokeFunction"), expected));
    let without_timeout =
        opts(|step| step.invoke::<Value>("a", Invoke { function: "app-fn".into(), data: json!({}), timeout: None }));
    assert_eq!(without_timeout.await.1, json!({"function_id": "app-fn", "payload": {"data": {}}}));
}

#[tokio::test]
async fn what_a_step_gave_is_remembered() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(json!("new")) }).await?) });
    for value in [json!(1), Value::Null, json!({"data": 5}), json!({"error": "x"}), json!([])] {
        let answer = remembering(&endpoint, json!({"data": value})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, value));
    }
}

#[tokio::test]
async fn an_edited_input_is_no_result() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(json!("new")) }).await?) });
    let answer = remembering(&endpoint, json!({"input": [1]})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()[0]["data"]), (206, &json!("new")));
}

#[tokio::test]
async fn a_remembered_failure_is_final_unless_it_is_caught() {
    let endpoint = function(|input, step| async move {
        let ran = step.run("a", || async { Ok(1) }).await;
        match ran {
            Err(error) if input.attempt > 0 => Ok(json!([error.name, error.message])),
            ran => Ok(json!(ran?)),
        }
    });
    let error = json!({"name": "Odd", "message": "no use", "stack": "at a", "cause": {"x": 1}, "noRetry": true});
    let answer = remembering(&endpoint, json!({"error": error})).await;
    let expected = json!({"name": "Odd", "message": "no use", "stack": "at a", "cause": {"x": 1}});
    assert_eq!((answer.status.as_u16(), answer.json()), (400, expected));
    assert_eq!(answer.header("x-inngest-no-retry"), Some("true"));
    let mut call = first_call();
    call["ctx"]["attempt"] = json!(1);
    for (error, read) in [
        (json!({}), json!(["Error", "Unknown error"])),
        (json!({"error": "callee"}), json!(["Error", "callee"])),
        (json!("text"), json!(["Error", "text"])),
    ] {
        call["steps"] = json!({A: {"error": error}});
        assert_eq!(endpoint.call("step", &call).await.json(), read);
    }
}

#[tokio::test]
async fn neither_result_nor_failure_is_a_failure() {
    let endpoint = function(|_, step| async move { Ok(step.run("a", || async { Ok(1) }).await?) });
    for memo in [Value::Null, json!({}), json!({"data": 1, "error": {}}), json!({"data": "text"})] {
        assert_eq!(remembering(&endpoint, memo.clone()).await.status, 400, "{memo}");
    }
}

#[tokio::test]
async fn a_sleep_is_over_when_its_key_is_there() {
    let endpoint = function(|_, step| async move { Ok(step.sleep("a", Duration::from_secs(1)).await?) });
    let answer = remembering(&endpoint, Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "null"));
}

#[tokio::test]
async fn a_waited_event_is_not_unwrapped_and_null_is_a_timeout() {
    let endpoint = function(|_, step| async move {
        let wait = WaitForEvent { event: "c/d".into(), timeout: Duration::from_secs(1), condition: None };
        Ok(step.wait_for_event::<Value>("a", wait).await?)
    });
    let event = json!({"name": "c/d", "data": {"data": 1}, "id": "e", "ts": 5, "user": {"u": 1}});
    assert_eq!(remembering(&endpoint, event.clone()).await.json(), event);
    assert_eq!(remembering(&endpoint, Value::Null).await.json(), Value::Null);
}

#[tokio::test]
async fn a_waited_event_without_data_has_none() {
    #[derive(Serialize, serde::Deserialize)]
    struct Maybe {
        x: Option<u8>,
    }
    let endpoint = function(|_, step| async move {
        let wait = WaitForEvent { event: "c/d".into(), timeout: Duration::from_secs(1), condition: None };
        let event: Option<Event<Maybe>> = step.wait_for_event("a", wait).await?;
        Ok(event.map(|event| event.data.x.is_none()))
    });
    for memo in [json!({"name": "c/d", "data": null}), json!({"name": "c/d"}), json!({"name": "c/d", "data": {}})] {
        let answer = remembering(&endpoint, memo.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(true)), "{memo}");
    }
}

#[tokio::test]
async fn what_an_invoked_function_gave() {
    let endpoint = function(|_, step| async move {
        let invoke = Invoke { function: "my-app-other".into(), data: json!({}), timeout: None };
        Ok(step.invoke::<Value>("a", invoke).await?)
    });
    assert_eq!(remembering(&endpoint, json!({"data": [1]})).await.json(), json!([1]));
    let errors = [
        json!({"name": "InngestInvokeTimeoutError", "message": "timed out"}),
        json!({"name": "Error", "message": "could not find function with ID: my-app-other"}),
    ];
    for error in errors {
        let answer = remembering(&endpoint, json!({"error": error})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, error));
    }
}

#[tokio::test]
async fn a_signal_that_came_or_did_not() {
    let endpoint = function(|_, step| async move {
        let wait = WaitForSignal { signal: "sig-1".into(), timeout: Duration::from_secs(1), replace: false };
        Ok(step.wait_for_signal("a", wait).await?.map(|Signal { signal, data }| json!([signal, data])))
    });
    let answer = remembering(&endpoint, json!({"data": {"signal": "sig-1", "data": {"x": 1}}})).await;
    assert_eq!(answer.json(), json!(["sig-1", {"x": 1}]));
    assert_eq!(remembering(&endpoint, Value::Null).await.json(), Value::Null);
}
