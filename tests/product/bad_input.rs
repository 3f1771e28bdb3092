//! Every argument of every tool, spoilt in every way, as the listed schemas have it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Account, Assistant, Product, in_time, next_year};

/// Longer than any field takes.
const HUGE: usize = 200_000;

/// What arguments name: a piece, a run and a proposal.
struct Ids {
    content: String,
    run: String,
    proposal: String,
}

impl Ids {
    async fn of(product: &Product, customer: &Account, assistant: &Assistant) -> Self {
        let content = assistant.a_piece("Good words").await;
        let run = assistant.call("start_workflow", json!({"workflow": "onboarding", "waitSeconds": 0})).await;
        let proposal = product.a_proposal(&customer.id, "show proof").await;
        Self { content, run: run.data["run"]["id"].as_str().unwrap().to_owned(), proposal }
    }
}

/// Good arguments for each tool, with every field that the schema has.
fn good(tool: &str, Ids { content: id, run, proposal }: &Ids) -> Value {
    let media = json!([{"url": "https://cdn.example/a.jpg", "type": "image", "alt": "A chart"}]);
    match tool {
        "get_account" | "get_brand" => json!({}),
        "update_brand" => json!({
            "name": "Acme", "timeZone": "Europe/Berlin", "website": "https://acme.example", "offering": "Tools",
            "audience": "Makers", "voice": {"adjectives": ["plain"], "do": ["say you"], "dont": ["hype"]},
            "pillars": [{"name": "Speed", "weight": 1, "description": "Fast"}],
            "competitors": [{"name": "Other", "url": "https://other.example"}], "goals": ["20 trials"],
            "forbiddenClaims": ["guaranteed"], "cadence": [{"channel": "x", "perWeek": 3}],
            "formatWeights": [{"kind": "x_thread", "weight": 1}], "country": "DE",
            "postingTimes": [{"channel": "x", "day": "monday", "time": "09:30"}],
            "quietHours": {"from": "21:00", "to": "07:00"},
        }),
        "create_content" => json!({
            "kind": "blog_post", "body": "Body", "title": "Title", "subject": "Subject", "preheader": "Preheader",
            "description": "Description", "link": "https://acme.example", "media": media, "pillar": "Speed", "note": "Note",
        }),
        "update_content" => json!({
            "contentId": id, "revision": 1, "body": "Other words", "title": "Title", "subject": "Subject",
            "preheader": "Preheader", "description": "Description", "link": "https://acme.example", "media": media,
            "pillar": "Speed", "note": "Note",
        }),
        "list_content" => json!({
            "kind": "x_post", "status": "draft", "scheduledFrom": next_year("01-01"), "scheduledBefore": next_year("02-01"),
            "text": "words", "limit": 5, "cursor": id,
        }),
        "get_content" => json!({"contentId": id, "revision": 1}),
        "review_content" => {
            json!({"contentId": id, "decision": "revised", "decidedBy": "Anna", "reason": "Dry", "revision": 1})
        }
        "schedule_content" => json!({"contentId": id, "at": next_year("06-01T09:00")}),
        "log_lead" => json!({
            "source": "webinar", "name": "Lea", "email": "lea@example.com", "company": "Acme", "contentId": id, "note": "Demo",
        }),
        "scan_page" => json!({"url": "http://127.0.0.1:9/", "fixes": true, "watch": true}),
        "list_scans" => json!({"url": "https://acme.example/", "limit": 5, "cursor": ""}),
        "list_events" => json!({"type": "lead.*", "limit": 5, "cursor": ""}),
        "get_performance_trend" => json!({"weeks": 4, "channel": "x"}),
        "get_learning_insights" => json!({"limit": 5}),
        "list_proposals" => json!({"status": "open", "category": "topic_focus", "cursor": ""}),
        "review_proposal" => {
            json!({"proposalId": proposal, "decision": "approve", "decidedBy": "Anna", "reason": "It is so"})
        }
        "plan_calendar" => json!({"weeks": 1, "from": next_year("06-01"), "commit": false}),
        "start_workflow" => json!({
            "workflow": "onboarding", "waitSeconds": 0,
            "input": {
                "url": "https://acme.example/", "from": next_year("06-01"), "weeks": 1, "period": "last_30_days",
            },
        }),
        "get_workflow_run" | "cancel_workflow_run" => json!({"runId": run}),
        "list_workflow_runs" => json!({"workflow": "onboarding", "status": "queued", "limit": 5, "cursor": run}),
        "list_connections" => json!({}),
        "connect_platform" => json!({"platform": "linkedin"}),
        "publish_content" => json!({"contentId": id, "personSaw": "published"}),
        "query_ga4" => json!({
            "metrics": ["sessions"], "dimension": "date", "period": "last_7_days", "from": "2026-01-01",
            "to": "2026-01-31", "compare": true, "property": "properties/1", "limit": 5,
        }),
        "query_search_console" => json!({
            "dimension": "query", "period": "last_7_days", "from": "2026-01-01", "to": "2026-01-31", "compare": true,
            "site": "sc-domain:acme.example", "limit": 5,
        }),
        "query_post_analytics" => {
            json!({"platform": "x", "period": "last_7_days", "from": "2026-01-01", "to": "2026-01-31"})
        }
        unknown => panic!("{unknown} needs good arguments here"),
    }
}

/// What can only be done where platforms are set up, or a page can be fetched; other tests do it.
const WITH_OTHERS: [&str; 7] = [
    "scan_page",
    "list_connections",
    "connect_platform",
    "publish_content",
    "query_ga4",
    "query_search_console",
    "query_post_analytics",
];

/// One spoilt argument.
#[derive(Debug)]
struct Spoilt {
    /// Where, as a JSON pointer.
    at: String,
    /// What is there instead; nothing at all if absent.
    value: Option<Value>,
    /// What the refusal has to name.
    field: String,
}

impl Spoilt {
    fn of(at: &str, value: Value) -> Self {
        let field = at.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default().to_owned();
        Self { at: at.to_owned(), value: Some(value), field }
    }

    fn arguments(&self, good: &Value) -> Value {
        let mut arguments = good.clone();
        let (parent, name) = self.at.rsplit_once('/').unwrap();
        let parent = arguments.pointer_mut(parent).unwrap();
        match (&self.value, parent) {
            (Some(value), Value::Array(list)) => list[name.parse::<usize>().unwrap()] = value.clone(),
            (Some(value), parent) => parent[name] = value.clone(),
            (None, parent) => _ = parent.as_object_mut().unwrap().remove(name),
        }
        arguments
    }
}

/// Everything that a value can be instead of what it should be.
fn spoil(schema: &Value, good: &Value, at: &str, is_required: bool, all: &mut Vec<Spoilt>) {
    let kind = schema["type"].as_str().unwrap();
    let others = [json!("text"), json!(7), json!(1.5), json!(true), json!([1]), json!({"a": 1})];
    let is_kind = |value: &Value| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        _ => value.is_object(),
    };
    let null = is_required.then_some(Value::Null);
    all.extend(others.into_iter().chain(null).filter(|other| !is_kind(other)).map(|other| Spoilt::of(at, other)));
    match kind {
        "string" => {
            let texts = ["x".repeat(HUGE), "a\u{0}b".to_owned()];
            all.extend(texts.map(|text| Spoilt::of(at, json!(text))));
            if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("cnt_")) {
                let ids = ["", "5", "cnt_", "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", &good.as_str().unwrap().to_lowercase()];
                all.extend(ids.map(|id| Spoilt::of(at, json!(id))));
            }
            if schema.get("enum").is_some() {
                all.push(Spoilt::of(at, json!("")));
                all.push(Spoilt::of(at, json!({good.as_str().unwrap(): null})));
            }
        }
        "integer" => all.extend([i64::MIN, -1, i64::MAX].map(|number| Spoilt::of(at, json!(number)))),
        "boolean" => {}
        "array" => {
            for (index, entry) in good.as_array().unwrap().iter().enumerate() {
                spoil(&schema["items"], entry, &format!("{at}/{index}"), true, all);
            }
        }
        _ => spoil_object(schema, good, at, all),
    }
}

fn spoil_object(schema: &Value, good: &Value, at: &str, all: &mut Vec<Spoilt>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    all.push(Spoilt::of(&format!("{at}/surprise"), json!("x")));
    all.push(Spoilt::of(&format!("{at}/customerId"), json!("cust_01ARZ3NDEKTSV4RRFFQ69G5FAV")));
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        let value = good.get(name).unwrap_or_else(|| panic!("{at} has no good value here"));
        spoil(schema, value, &at, required.contains(&name.as_str()), all);
        if required.contains(&name.as_str()) {
            all.push(Spoilt { value: None, ..Spoilt::of(&at, Value::Null) });
        }
    }
}

/// What is accepted although it looks odd, because nothing is wrong with it.
fn is_harmless(tool: &str, spoilt: &Spoilt) -> bool {
    // A type that there is not matches nothing.
    tool == "list_events" && spoilt.field == "type" && spoilt.value.as_ref().is_some_and(Value::is_string)
}

async fn is_refused_by_name(assistant: &Assistant, tool: &str, arguments: &Value, spoilt: &Spoilt) -> Option<String> {
    let shown = format!("{tool} {}: {:.80}", spoilt.at, format!("{:?}", spoilt.value));
    let said = match assistant.say(tool, arguments).await {
        Ok(said) => said,
        Err(error) => return Some(format!("{shown} is a fault of the protocol: {error}")),
    };
    if !said.is_error {
        return (!is_harmless(tool, spoilt)).then(|| format!("{shown} is accepted: {:.100}", said.text));
    }
    let is_named = said.text.contains(&spoilt.field);
    let is_tidy = said.text.chars().count() < 500 && !said.text.contains("our side") && !said.text.contains("struct ");
    (!is_named || !is_tidy).then(|| format!("{shown} is refused so: {:.300}", said.text))
}

#[tokio::test]
async fn every_bad_argument_is_refused_by_its_name_and_changes_nothing() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let ids = Ids::of(&product, &customer, &assistant).await;
    let mut wrong = Vec::new();
    for (tool, listed) in &assistant.tools {
        let (schema, good) = (&listed["inputSchema"], good(tool, &ids));
        let mut all = Vec::new();
        spoil_object(schema, &good, "", &mut all);
        let before = product.state_of(&customer.id).await;
        for spoilt in &all {
            wrong.extend(is_refused_by_name(&assistant, tool, &spoilt.arguments(&good), spoilt).await);
        }
        if product.state_of(&customer.id).await != before {
            wrong.push(format!("{tool}: something was written"));
        }
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:#?}", wrong.len());
    for tool in ["create_content", "update_content", "review_content", "schedule_content", "log_lead", "update_brand"] {
        assistant.call("update_brand", json!({"pillars": [{"name": "Speed", "weight": 1}]})).await;
        let mut arguments = good(tool, &ids);
        if tool == "review_content" {
            arguments["revision"] = json!(2);
        }
        assistant.call(tool, arguments).await;
    }
}

/// What reading alone would take, and drop or put in another place.
#[tokio::test]
async fn what_no_schema_lists_is_refused_where_it_is() {
    let product = Product::start().await;
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let id = assistant.a_piece("Good words").await;
    let before = product.state_of(&customer.id).await;
    let pillar = json!({"name": "Speed", "weight": 1});
    let long = "x".repeat(HUGE);
    for (tool, arguments, refusal) in [
        (
            "update_brand",
            json!({"pillars": [pillar, pillar, {"nmae": "Price", "weight": 1}]}),
            "`pillars[2].nmae`: unknown field; expected one of `description`, `name`, `weight`.",
        ),
        (
            "update_brand",
            json!({"voice": {"tone": "dry"}}),
            "`voice.tone`: unknown field; expected one of `adjectives`",
        ),
        ("update_brand", json!({"competitors": [{"name": "Other", "site": "x"}]}), "`competitors[0].site`: unknown"),
        ("update_brand", json!({"cadence": [{"channel": "x", "perDay": 1}]}), "`cadence[0].perDay`: unknown field"),
        ("create_content", json!({"media": [{"url": "https://a.example", "typ": "image"}]}), "`media[0].typ`: unknown"),
        (
            "update_content",
            json!({"contentId": id, "media": [{"href": "https://a.example"}]}),
            "`media[0].href`: unknown",
        ),
        (
            "start_workflow",
            json!({"workflow": "onboarding", "input": {"website": "x"}}),
            "`input.website`: unknown field; expected one of `from`, `period`, `url`, `weeks`.",
        ),
        ("start_workflow", json!({"workflow": "publish_due"}), "`workflow`: unknown variant `publish_due`"),
        ("get_account", json!({"verbose": true}), "`verbose`: unknown field; this tool takes no arguments."),
        ("get_brand", json!({"": 1}), "``: unknown field; this tool takes no arguments."),
        ("get_brand", json!({&long: 1}), "x…`: unknown field"),
        (
            "update_brand",
            json!({"pillars": [["Speed", 1, "Fast"]]}),
            "`pillars[0]`: invalid type: list, expected an object",
        ),
        ("update_brand", json!({"competitors": [["Other"]]}), "`competitors[0]`: invalid type: list"),
        ("update_brand", json!({"cadence": [["x", 3]]}), "`cadence[0]`: invalid type: list"),
        ("update_brand", json!({"voice": [["plain"], null, null]}), "`voice`: invalid type: list, expected an object"),
        (
            "update_content",
            json!({"contentId": id, "media": [["https://cdn.example/a.jpg", "image", null]]}),
            "`media[0]`: invalid type: list, expected an object",
        ),
        (
            "create_content",
            json!({"kind": {"x_post": null}, "body": "Body"}),
            "`kind`: invalid type: object, expected a string",
        ),
        ("get_content", json!({"contentId": "5"}), "`5` is not an id: ids look like cnt_01M851E88BEZS4E1V4ZSCPXFGH."),
        ("get_content", json!({"contentId": long}), "x` is not an id: ids look like cnt_01M851E88BEZS4E1V4ZSCPXFGH."),
    ] {
        let refused = assistant.refused(tool, arguments).await;
        assert!(refused.contains(refusal) && refused.len() < 500, "{refusal} is not what {tool} says: {refused}");
    }
    assert_eq!(product.state_of(&customer.id).await, before);
}

/// Ids that are well-formed, but not of anything that the caller has.
#[tokio::test]
async fn ids_of_nothing_and_of_others_are_refused_alike() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let (hers, his) = (product.assistant(&anna.key).await, product.assistant(&ben.key).await);
    let (own, foreign) = (Ids::of(&product, &anna, &hers).await, Ids::of(&product, &ben, &his).await);
    let foreign_event = his.call("list_events", json!({})).await.data["events"][0]["id"].clone();
    let before = (product.state_of(&anna.id).await, product.state_of(&ben.id).await);
    for (tool, listed) in &hers.tools {
        for field in ["contentId", "runId", "proposalId", "cursor"] {
            if listed["inputSchema"]["properties"].get(field).is_none() {
                continue;
            }
            let (unknown, others) = match tool.as_str() {
                "list_events" => (json!("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &foreign_event),
                tool if tool.contains("proposal") => {
                    (json!("prop_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &json!(foreign.proposal))
                }
                tool if tool.contains("workflow") => (json!("run_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &json!(foreign.run)),
                _ => (json!("cnt_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &json!(foreign.content)),
            };
            let with = |value: &Value| Spoilt::of(&format!("/{field}"), value.clone()).arguments(&good(tool, &own));
            let of_nothing = hers.refused(tool, with(&unknown)).await;
            assert_eq!(of_nothing, hers.refused(tool, with(others)).await, "{tool}: the two can be told apart");
            assert!(of_nothing.contains(&format!("`{field}`")), "{tool}: {field} is not named: {of_nothing}");
        }
    }
    assert_eq!((product.state_of(&anna.id).await, product.state_of(&ben.id).await), before);
}

/// What may be left out may also be null, as some assistants send it.
#[tokio::test]
async fn null_is_as_good_as_absent() {
    let product = Product::start().await;
    // So that a wait without a limit has an end.
    product.runs_workflows();
    let customer = product.customer().await;
    let assistant = product.assistant(&customer.key).await;
    let ids = Ids::of(&product, &customer, &assistant).await;
    for (tool, listed) in &assistant.tools {
        let schema = &listed["inputSchema"];
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if WITH_OTHERS.contains(&tool.as_str()) {
            continue;
        }
        let mut arguments = good(tool, &ids);
        for (name, value) in arguments.as_object_mut().unwrap() {
            let is_needed_here = tool == "log_lead" && name == "name" || tool == "review_content" && name == "reason";
            if !required.contains(name.as_str()) && !is_needed_here {
                *value = Value::Null;
            }
        }
        assistant.call(tool, arguments).await;
    }
}

#[tokio::test]
async fn what_is_no_tool_is_told_and_the_session_goes_on() {
    let product = Product::start().await;
    let assistant = product.assistant(&product.customer().await.key).await;
    for name in ["", "no_such_tool", "GET_BRAND", &"x".repeat(10_000), "a\u{0}b"] {
        let error = assistant.say(name, &json!({})).await.unwrap_err().to_string();
        assert!(error.contains("-32602") && error.contains("There is no tool") && error.len() < 300, "{error}");
    }
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let refused = assistant.refused("update_brand", json!({"goals": deep})).await;
    assert!(refused.contains("goals"), "{refused}");
    let nothing = json!({});
    let calls = (0..8).map(|_| assistant.say("no_such_tool", &nothing));
    assert!(in_time("many at once", futures::future::join_all(calls)).await.iter().all(Result::is_err));
    assistant.call("get_account", json!({})).await;
}
