//! The event client.

use inngest::{Event, Inngest, SendEvents};
use serde_json::{Value, json};

use crate::support::{SDK, Scripted, client, nowhere};

fn to(inngest: &Scripted) -> Inngest {
    client(&[("INNGEST_BASE_URL", &inngest.origin), ("INNGEST_EVENT_KEY", "k/e y"), ("INNGEST_ENV", "branch")])
}

fn taken() -> (u16, Value) {
    (200, json!({"ids": ["01M84QQN8FRWHH3JQVH283ES7B"], "status": 200}))
}

fn event() -> Event {
    Event::new("app/thing.done", json!({"a": 1}))
}

#[tokio::test]
async fn events_are_sent_as_an_array_with_all_headers() {
    let inngest = Scripted::start(&[taken()]).await;
    let full = Event { ts: Some(1_795_455_440_143), v: Some("1".into()), ..event().with_id("dedupe") };
    let ids = to(&inngest).send(vec![full, Event::new("b", Value::Null)]).await;
    assert_eq!(ids, Ok(vec!["01M84QQN8FRWHH3JQVH283ES7B".to_owned()]));
    let asked = &inngest.asked()[0];
    assert_eq!((asked.method.as_str(), asked.uri.as_str()), ("POST", "/e/k%2Fe%20y"));
    assert_eq!(asked.header("x-inngest-env"), Some("branch"));
    assert_eq!(asked.header("x-inngest-sdk"), Some(SDK));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("authorization"), None);
    let body = asked.json();
    let expected =
        json!({"name": "app/thing.done", "data": {"a": 1}, "id": "dedupe", "ts": 1_795_455_440_143_i64, "v": "1"});
    assert_eq!(body[0], expected);
    // Functions should not see null, and sending again must not make it later.
    assert_eq!(body[1]["data"], json!({}));
    assert!(body[1]["ts"].is_i64());
    let (time, random) = asked.header("x-inngest-event-id-seed").unwrap().split_once(',').unwrap();
    assert!(time.parse::<i64>().is_ok() && random.len() == 16, "{time},{random}");
}

#[tokio::test]
async fn trouble_is_tried_again_with_the_same_seed_and_bytes() {
    let inngest = Scripted::start(&[(503, json!("busy")), (500, json!({"error": "oh"})), taken()]).await;
    let client = to(&inngest);
    assert!(client.send(vec![event()]).await.is_ok());
    assert!(client.send(vec![event()]).await.is_ok());
    let asked = inngest.asked();
    assert_eq!(asked.len(), 4);
    let seeds: Vec<_> = asked.iter().map(|asked| asked.header("x-inngest-event-id-seed").unwrap()).collect();
    assert!(seeds[0] == seeds[1] && seeds[1] == seeds[2] && seeds[2] != seeds[3], "{seeds:?}");
    assert!(asked[0].body == asked[1].body && asked[1].body == asked[2].body);
}

#[tokio::test]
async fn trouble_is_not_tried_for_ever() {
    let inngest = Scripted::start(&[(503, json!({"error": "busy"}))]).await;
    let error = to(&inngest).send(vec![event()]).await.unwrap_err();
    assert_eq!(error.to_string(), "the events could not be sent: 503 Service Unavailable: busy");
    assert_eq!(inngest.asked().len(), 5);
}

#[tokio::test]
async fn an_inngest_that_is_not_there_and_the_key_is_not_told() {
    let origin = nowhere().await;
    let client = client(&[("INNGEST_BASE_URL", &origin), ("INNGEST_EVENT_KEY", "the-event-key")]);
    let error = client.send(vec![event()]).await.unwrap_err().to_string();
    assert!(!error.contains("the-event-key"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_final() {
    let refusals = [
        (401, json!({"status": 401, "message": "", "error": "Event key not found"}), "Event key not found"),
        (400, json!({"ids": [""], "status": 400, "error": "event name is empty"}), "event name is empty"),
        (413, json!("too large"), "too large"),
        (200, json!({"ids": [], "status": 400, "error": "half of it"}), "half of it"),
        (200, json!({"ids": [], "status": 200, "error": "but"}), "but"),
        (200, json!("<html>"), "<html>"),
        (202, json!({"ids": ["a"], "status": 200}), "202 Accepted"),
    ];
    for (status, body, said) in refusals {
        let inngest = Scripted::start(&[(status, body)]).await;
        let error = to(&inngest).send(vec![event()]).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(inngest.asked().len(), 1, "{said}");
    }
}

#[tokio::test]
async fn one_bad_event_and_none_is_sent() {
    let inngest = Scripted::start(&[taken()]).await;
    let at = |ts| Event { ts: Some(ts), ..event() };
    let wrong = [
        Event::new("", json!({})),
        Event::new("x".repeat(513), json!({})),
        Event::new("inngest/function.failed", json!({})),
        Event::new("a", json!([])),
        Event::new("a", json!("text")),
        at(1_795_455_440),
        at(i64::MAX),
    ];
    for wrong in wrong {
        let shown = format!("{wrong:?}");
        assert!(to(&inngest).send(vec![event(), wrong]).await.is_err(), "{shown}");
    }
    assert!(to(&inngest).send(vec![event(); 5001]).await.is_err());
    assert_eq!(inngest.asked().len(), 0);
    assert!(to(&inngest).send(vec![Event::new("x".repeat(512), json!({})); 5000]).await.is_ok());
}

#[tokio::test]
async fn no_events_are_not_sent() {
    let inngest = Scripted::start(&[taken()]).await;
    assert_eq!(to(&inngest).send(Vec::new()).await, Ok(Vec::new()));
    assert_eq!(inngest.asked().len(), 0);
}

#[tokio::test]
async fn only_the_dev_server_takes_events_without_a_key() {
    let inngest = Scripted::start(&[taken()]).await;
    let dev = client(&[("INNGEST_DEV", &inngest.origin)]);
    assert!(dev.send_events(vec![event()]).await.is_ok());
    assert_eq!(inngest.asked()[0].uri, "/e/NO_EVENT_KEY_SET");
    let cloud = client(&[("INNGEST_BASE_URL", &inngest.origin)]);
    let error = cloud.send(vec![event()]).await.unwrap_err().to_string();
    assert!(error.contains("INNGEST_EVENT_KEY"), "{error}");
}
