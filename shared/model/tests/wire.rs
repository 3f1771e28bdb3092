//! What goes over the wire, against a server that answers as it is told.
#![allow(clippy::unwrap_used, reason = "test code: whatever goes wrong here fails the test")]

use std::time::Duration;

use harness::PATIENCE;
use harness::model::{Answer, ScriptedModel};
use model::{Config, Error, Limits, Model, Usage};
use serde_json::{Value, json};

const LIMITS: Limits = Limits { time: PATIENCE, tokens: 500, characters: 1_000 };
const KEY: &str = "sk-hunter2";

struct Stage {
    server: ScriptedModel,
    model: Model,
}

impl Stage {
    async fn with(answers: impl IntoIterator<Item = Answer>) -> Self {
        let server = ScriptedModel::start().await;
        server.answers(answers);
        let config = Config {
            base_url: server.base_url().parse().unwrap(),
            api_key: Some(KEY.into()),
            model: "small".to_owned(),
        };
        let model = Model::new(web::http_client().no_proxy(), config).unwrap();
        Self { server, model }
    }

    async fn write(&self) -> Result<String, Error> {
        self.model.write("Be kind.", "Say hello.", LIMITS).await.map(|written| written.text)
    }
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

#[tokio::test]
async fn it_asks_as_openai_documents_it() {
    let stage = Stage::with([text(" Hello. ")]).await;
    let written = stage.model.write("Be kind.", "Say hello.", LIMITS).await.unwrap();
    assert_eq!(written.text, "Hello.");
    assert_eq!(written.usage, Some(Usage { prompt_tokens: Some(812), completion_tokens: Some(34) }));
    let asked = stage.server.asked();
    let [asked] = asked.as_slice() else { unreachable!("{asked:?}") };
    assert_eq!((asked.path.as_str(), asked.authorization.as_str()), ("/v1/chat/completions", "Bearer sk-hunter2"));
    let expected: Value = json!({
        "model": "small",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say hello."}],
        "max_completion_tokens": 500,
    });
    assert_eq!(asked.body, expected);
    assert!(!format!("{:?}", stage.model).contains(KEY));
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = ScriptedModel::start().await;
    server.answers([text("Hello.")]);
    // With a slash at its end, as people write it.
    let base_url = format!("{}/", server.base_url()).parse().unwrap();
    let config = Config { base_url, api_key: None, model: "small".to_owned() };
    let model = Model::new(web::http_client().no_proxy(), config).unwrap();
    model.write("Be kind.", "Say hello.", LIMITS).await.unwrap();
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.authorization.is_empty() && asked.path == "/v1/chat/completions"));
}

#[tokio::test]
async fn what_went_wrong_is_told_apart() {
    let broken = Answer::Http(200, vec![("content-type", "application/json")], "{\"choices\": [{\"mess".to_owned());
    let shapeless = Answer::Http(200, vec![("content-type", "application/json")], "{\"hello\": 1}".to_owned());
    let none = Answer::Http(200, vec![("content-type", "application/json")], "{\"choices\": []}".to_owned());
    for (answer, expected) in [
        (Answer::Refusal, "the model refused"),
        (Answer::Filtered, "the model refused"),
        (Answer::error(400, "content_filter", "Filtered."), "the model refused"),
        (Answer::CutOff("Hel".to_owned()), "longer than it may be"),
        (text(&"long ".repeat(300)), "longer than it may be"),
        (text(&"x".repeat(3 * 1024 * 1024)), "longer than it may be"),
        (broken, "cannot be read"),
        (shapeless, "cannot be read"),
        (none, "cannot be read"),
        (text("  "), "cannot be read"),
        (text("<think>I would say"), "<think>I would say"),
        (Answer::html(200), "cannot be read"),
        (Answer::html(404), "not available: its server answers HTTP 404"),
        (Answer::error(401, "invalid_api_key", &format!("Wrong: {KEY}")), "answers HTTP 401 invalid_api_key"),
        (Answer::error(400, KEY, "A key is no code."), "answers HTTP 400 error"),
        (Answer::error(429, "insufficient_quota", "Pay."), "answers HTTP 429 insufficient_quota"),
        (Answer::Http(302, vec![("location", "http://127.0.0.1:1/")], String::new()), "answers HTTP 302"),
        (Answer::Broken, "not available"),
    ] {
        let stage = Stage::with([answer.clone()]).await;
        let said = stage.write().await.unwrap_or_else(|error| error.to_string());
        assert!(said.contains(expected) && !said.contains(KEY), "{answer:?}: {said}");
        assert_eq!(stage.server.asked().len(), 1, "asking again would not help: {answer:?}");
    }
}

#[tokio::test]
async fn it_asks_again_where_nothing_was_written() {
    let soon = |status| Answer::Http(status, vec![("retry-after", "0")], String::new());
    let stage = Stage::with([soon(429), soon(503), text("Hello.")]).await;
    assert_eq!(stage.write().await.unwrap(), "Hello.");
    let stage = Stage::with([Answer::html(502), text("Hello.")]).await;
    assert_eq!(stage.write().await.unwrap(), "Hello.");
    let stage = Stage::with([soon(500), soon(500), soon(500), text("Too late.")]).await;
    assert_eq!(stage.write().await.unwrap_err().to_string(), "the model is not available: its server answers HTTP 500");
    assert_eq!(stage.server.asked().len(), 3);
}

#[tokio::test]
async fn whoever_wants_a_long_pause_is_not_asked_again() {
    let stage = Stage::with([Answer::Http(429, vec![("retry-after", "3600")], String::new()), text("Early.")]).await;
    assert!(matches!(stage.write().await, Err(Error::Unavailable(_))));
    assert_eq!(stage.server.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up() {
    let stage = Stage::with([Answer::Drip]).await;
    let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
    let error = stage.model.write("Be kind.", "Say hello.", limits).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("no answer within")), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let config =
        Config { base_url: "http://127.0.0.1:1/v1".parse().unwrap(), api_key: None, model: "small".to_owned() };
    let model = Model::new(web::http_client().no_proxy(), config).unwrap();
    let error = model.write("Be kind.", "Say hello.", LIMITS).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn a_server_of_old_is_asked_by_the_older_name_of_the_limit() {
    let unknown = Answer::error(422, "extra_forbidden", "Unknown field: max_completion_tokens.");
    let stage = Stage::with([unknown, text("Hello."), text("Hello again.")]).await;
    assert_eq!(stage.write().await.unwrap(), "Hello.");
    assert_eq!(stage.write().await.unwrap(), "Hello again.");
    let limit = |name: &str| stage.server.asked().iter().map(|asked| asked.body[name].clone()).collect::<Vec<Value>>();
    assert_eq!(limit("max_completion_tokens"), [json!(500), Value::Null, Value::Null]);
    assert_eq!(limit("max_tokens"), [Value::Null, json!(500), json!(500)]);
}

#[tokio::test]
async fn what_a_model_thinks_aloud_is_no_answer() {
    let stage = Stage::with([text("<think>They want a greeting.</think>\n\nHello.")]).await;
    assert_eq!(stage.write().await.unwrap(), "Hello.");
}
