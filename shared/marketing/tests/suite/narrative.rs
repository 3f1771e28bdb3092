//! A report told by a model keeps to the facts, or is not told by it.

use chrono::DateTime;
use entity::brands::{Brand, Profile};
use harness::model::{Answer, ScriptedModel};
use marketing::narrative::narrate;
use model::{Config, Model};
use serde_json::json;

const FACTS: &str = "LinkedIn: 1,204 impressions, +12.5% against the week before (1,070).";
const GOOD: &str = "LinkedIn brought 1,204 impressions.\n\nThat is 12.5% more than the week before.";
const STRANGE: &str = "LinkedIn brought about 1,200 impressions, twice as many.";

async fn narrated(server: &ScriptedModel, facts: &str) -> Option<String> {
    let config = Config { base_url: server.base_url().parse().unwrap(), api_key: None, model: "small".to_owned() };
    let model = Model::new(web::http_client().no_proxy(), config).unwrap();
    let brand = Brand {
        name: Some("Quick Pages".to_owned()),
        time_zone: chrono_tz::UTC,
        profile: Profile::default(),
        updated_at: DateTime::UNIX_EPOCH,
    };
    narrate(&model, facts, &brand).await
}

async fn server(answers: &[&str]) -> ScriptedModel {
    let server = ScriptedModel::start().await;
    server.answers(answers.iter().map(|text| Answer::Text((*text).to_owned())));
    server
}

#[tokio::test]
async fn facts_are_told_as_they_are() {
    let server = server(&[GOOD]).await;
    assert_eq!(narrated(&server, FACTS).await.as_deref(), Some(GOOD));
    let asked = &server.asked()[0];
    assert_eq!(asked.request()["facts"], FACTS);
    assert!(!asked.instructions().contains("LinkedIn"), "facts are material, not instructions");
}

#[tokio::test]
async fn a_strange_number_is_named_and_mended() {
    let server = server(&[STRANGE, GOOD]).await;
    assert_eq!(narrated(&server, FACTS).await.as_deref(), Some(GOOD));
    let second = server.asked()[1].request();
    assert_eq!(second["previousAnswer"], STRANGE);
    assert_eq!(second["problems"], json!(["These numbers do not stand in the facts: “1,200”, “twice”."]));
}

#[tokio::test]
async fn who_does_not_keep_to_the_facts_tells_nothing() {
    let server = server(&[STRANGE, STRANGE, GOOD]).await;
    assert_eq!(narrated(&server, FACTS).await, None);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_model_that_fails_tells_nothing() {
    for answer in [Answer::Refusal, Answer::CutOff(GOOD.to_owned()), Answer::html(200), Answer::error(401, "no", "No.")]
    {
        let server = ScriptedModel::start().await;
        server.answers([answer]);
        assert_eq!(narrated(&server, FACTS).await, None);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn too_many_facts_are_not_sent() {
    let server = server(&[GOOD]).await;
    assert_eq!(narrated(&server, &"1 ".repeat(20_000)).await, None);
    assert_eq!(server.asked().len(), 0);
}
