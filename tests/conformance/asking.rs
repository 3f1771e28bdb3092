//! Asking the client before a call can be answered, in as many rounds as it takes (2026-07-28).

use rmcp::ErrorData;
use rmcp::model::{InputRequiredResult, InputResponses, RequestStateCodec};
use serde_json::{Map, Value, json};

/// What a call asks, round by round, and whether its state travels with the client.
struct Questions {
    rounds: Vec<Value>,
    hands_out_state: bool,
}

/// Where a call stands.
pub enum Progress {
    /// The client has to answer this first.
    Asks(InputRequiredResult),
    /// Everything was answered; in words.
    Done(String),
}

/// Takes a call of a tool or prompt that asks as far as the answers go. None when it is not one of those.
pub fn proceed(
    name: &str,
    codec: &RequestStateCodec,
    answers: Option<&InputResponses>,
    state: Option<&str>,
    client_can: &Value,
) -> Result<Option<Progress>, ErrorData> {
    let Some(Questions { rounds, hands_out_state }) = questions(name, client_can) else { return Ok(None) };
    let mut round = match state {
        None => 0,
        Some(state) => codec
            .open_json::<usize>(state)
            .map_err(|error| ErrorData::invalid_params(format!("requestState: {error}"), None))?,
    };
    let asked = |round: usize| rounds.get(round).and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(answers) = answers
        && asked(round).iter().all(|(key, request)| answers.get(key).is_some_and(|answer| answered(request, answer)))
    {
        round += 1;
    }
    if round < rounds.len() {
        let state = hands_out_state.then(|| codec.seal_json(&round)).transpose();
        let state = state.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let result = json!({ "resultType": "input_required", "inputRequests": asked(round), "requestState": state });
        let result = serde_json::from_value(result);
        return result
            .map(Progress::Asks)
            .map(Some)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None));
    }
    let verdict = if hands_out_state { "state-ok" } else { "ok" };
    Ok(Some(Progress::Done(format!("{verdict}: {}", json!(answers)))))
}

/// Whether an answer has the shape that its request wants.
fn answered(request: &Value, answer: &Value) -> bool {
    match request["method"].as_str() {
        Some("elicitation/create") => match answer["action"].as_str() {
            Some("accept") => required(request).all(|field| !answer["content"][field].is_null()),
            Some("decline" | "cancel") => true,
            _ => false,
        },
        Some("sampling/createMessage") => answer["content"].is_object(),
        _ => answer["roots"].is_array(),
    }
}

fn required(elicitation: &Value) -> impl Iterator<Item = &str> {
    elicitation["params"]["requestedSchema"]["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn questions(name: &str, client_can: &Value) -> Option<Questions> {
    let ask_user = |message: &str, field: &str, kind: &str| {
        let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
        json!({ "method": "elicitation/create", "params": { "message": message, "requestedSchema": schema } })
    };
    let ask_model = |text: &str, max_tokens: u32| {
        let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
        json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": max_tokens } })
    };
    let roots = json!({ "method": "roots/list", "params": {} });
    let name_of_user = ask_user("What is your name?", "name", "string");
    let confirmation = json!([{ "confirm": ask_user("Please confirm", "ok", "boolean") }]);
    let (rounds, hands_out_state) = match name {
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            (json!([{ "user_name": name_of_user }]), false)
        }
        "test_input_required_result_sampling" => {
            (json!([{ "capital_question": ask_model("What is the capital of France?", 100) }]), false)
        }
        "test_input_required_result_list_roots" => (json!([{ "client_roots": roots }]), false),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            (confirmation, true)
        }
        "test_input_required_result_multiple_inputs" => {
            let greeting = ask_model("Generate a greeting", 50);
            (json!([{ "user_name": name_of_user, "greeting": greeting, "client_roots": roots }]), true)
        }
        "test_input_required_result_multi_round" => {
            let first = json!({ "step1": ask_user("Step 1: What is your name?", "name", "string") });
            let second = json!({ "step2": ask_user("Step 2: What is your favorite color?", "color", "string") });
            (json!([first, second]), true)
        }
        "test_input_required_result_capabilities" => {
            let possible = [
                ("elicitation", name_of_user),
                ("sampling", ask_model("What is the capital of France?", 100)),
                ("roots", roots),
            ];
            let asked = possible.into_iter().filter(|(capability, _)| client_can[capability].is_object());
            (json!([asked.map(|(capability, request)| (capability.to_owned(), request)).collect::<Map<_, _>>()]), false)
        }
        "test_input_required_result_prompt" => {
            (json!([{ "user_context": ask_user("What context should the prompt use?", "context", "string") }]), false)
        }
        _ => return None,
    };
    let Value::Array(rounds) = rounds else { return None };
    Some(Questions { rounds, hands_out_state })
}
