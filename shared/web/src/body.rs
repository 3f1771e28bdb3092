//! JSON bodies whose errors name the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// How much of what was sent is quoted.
const MAX_FOUND_CHARS: usize = 120;

/// A JSON body, read into `T`.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| ApiError::of_status(rejection.status()))?;
        parse(&bytes).map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence =
        content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", "The body is empty; send a JSON object."));
    }
    // serde takes a list for the fields of a struct in their order, which nobody means.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(unexpected("invalid type: list, expected an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = problem(error.inner());
        if error.inner().is_data() && path != "." { ApiError::invalid(path, problem) } else { unexpected(&problem) }
    })?;
    deserializer.end().map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("There is something after the JSON value: {}.", problem(&error)),
        )
    })?;
    Ok(value)
}

fn unexpected(problem: &str) -> ApiError {
    let message = format!("The body is not the JSON that is expected here: {problem}.");
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
}

/// serde's words in those of JSON: without the position, which means nothing to somebody who sent a one-line body,
/// without the names of our types, and with no more than the beginning of what was sent.
#[must_use]
pub fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    let Some((found, expected)) = text.rsplit_once(", expected ") else { return beginning(text) };
    let found = match found {
        "invalid type: map" => "invalid type: object".to_owned(),
        "invalid type: sequence" => "invalid type: list".to_owned(),
        other => beginning(&other.replacen("type: floating point", "type: number", 1)),
    };
    let expected = match expected {
        "i64" | "u64" | "i32" | "u32" => "a whole number",
        "f64" => "a number",
        "string or map" => "a string",
        "a sequence" => "a list",
        name if name.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// What was sent, as far as an error quotes it: printable, and not longer than a line.
#[must_use]
pub fn beginning(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    if text.chars().count() <= MAX_FOUND_CHARS {
        return printable.collect();
    }
    printable.take(MAX_FOUND_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Example {
        count: Option<i64>,
        list: Option<Vec<String>>,
        word: Option<Word>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Yes,
        No,
    }

    #[test]
    fn problems_are_told_in_the_words_of_json() {
        let long = format!(r#"{{"word": "{}"}}"#, "x".repeat(1_000));
        for (json, expected) in [
            ("null", "invalid type: null, expected an object"),
            (r#"{"count": 1.5}"#, "invalid type: number `1.5`, expected a whole number"),
            (r#"{"count": []}"#, "invalid type: list, expected a whole number"),
            (r#"{"list": {}}"#, "invalid type: object, expected a list"),
            (r#"{"word": 5}"#, "invalid type: integer `5`, expected a string"),
            (r#"{"word": "perhaps"}"#, "unknown variant `perhaps`, expected `yes` or `no`"),
            (r#"{"other": 1}"#, "unknown field `other`, expected one of `count`, `list`, `word`"),
            ("{", "EOF while parsing an object"),
        ] {
            let read = serde_json::from_str(json).and_then(serde_json::from_value::<Example>);
            assert_eq!(problem(&read.unwrap_err()), expected, "{json}");
        }
        let cut = problem(&serde_json::from_str::<Example>(&long).unwrap_err());
        assert!(cut.ends_with("x…, expected `yes` or `no`") && cut.len() < 200, "{cut}");
    }
}
