//! What a page says first: what was just done, or what was not, why, and where the person goes on.

use axum::http::StatusCode;
use entity::ids::CustomerId;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use web::ApiError;

use super::home;

/// What a page says first. Nothing, if nothing was asked of it.
#[derive(Default)]
pub struct Said {
    message: Option<&'static str>,
    problem: Option<Problem>,
    typed: Typed,
}

/// What was not done.
struct Problem {
    text: String,
    /// Label and address of where it is mended.
    link: Option<(&'static str, String)>,
}

/// What somebody typed into a form that was refused: it is still there when they read why.
#[derive(Default, Serialize)]
pub struct Typed {
    /// What the form is about.
    pub id: String,
    /// Which form of it.
    pub form: &'static str,
    /// What was typed.
    pub text: String,
}

impl Said {
    /// In our own words what was done, by its name in the address.
    pub fn done(name: Option<&str>) -> Self {
        let message = name.and_then(|name| {
            Some(match name {
                "approved" => "Approved. Give it a time, or publish it now.",
                "approved_due" => "Approved. It goes out at its time.",
                "rejected" => "Rejected. It will not go out.",
                "revised" => "Your assistant finds what you want changed with the piece.",
                "scheduled" => "It has its time.",
                "unscheduled" => "It has no time any more.",
                "published" => "It is out.",
                "busy" => "It is on its way out. Look again in a minute.",
                "settled" => "Noted.",
                "proposal_approved" => "The brand profile is changed. The calendar follows when it is planned next.",
                "proposal_rejected" => {
                    "It is left as it is. The same is not proposed again for eight weeks, unless more speaks for it."
                }
                "proposal_taken_back" => "The brand profile is as it was before.",
                "revoked" => "The key is revoked. Whatever used it has stopped working.",
                "app_revoked" => "The app is not let in any more. Whatever it had open has ended.",
                "disconnected" => "It is disconnected. HeyCMO reads nothing there any more, and publishes nothing.",
                "watched" => "The page is scanned every week from now on.",
                "unwatched" => "The page is not scanned every week any more.",
                _ => return None,
            })
        });
        Self { message, ..Self::default() }
    }

    /// Why something was not done.
    pub fn refused(error: &ApiError, customer_id: &CustomerId) -> Self {
        let text = match error.code {
            "profile_changed" => {
                "The brand profile was changed meanwhile, so this does not fit any more. Nothing was changed."
                    .to_owned()
            }
            _ => in_words(error),
        };
        let link = match error.code {
            "not_connected" => Some(("Connect it", format!("{}/connections", home(customer_id)))),
            _ => None,
        };
        Self { problem: Some(Problem { text, link }), ..Self::default() }
    }

    /// A problem in words of its own.
    pub fn problem(text: String) -> Self {
        Self { problem: Some(Problem { text, link: None }), ..Self::default() }
    }

    /// With what was typed.
    pub fn with(self, typed: Typed) -> Self {
        Self { typed, ..self }
    }

    /// As the templates take it.
    pub fn values(&self) -> Value {
        let problem = self.problem.as_ref().map(|Problem { text, link }| {
            let link = link.as_ref().map(|(label, href)| context! { label => *label, href => href.as_str() });
            context! { text => text.as_str(), link }
        });
        context! { message => self.message, problem, typed => Value::from(Serde(&self.typed)) }
    }
}

/// A refusal that is told where the person is; anything else is an error of the whole page.
pub fn refusal(error: ApiError) -> Result<ApiError, ApiError> {
    let is_told = error.status.is_client_error() && error.status != StatusCode::NOT_FOUND
        || matches!(error.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE);
    if is_told { Ok(error) } else { Err(error) }
}

/// Why something was not done, for the person in front of the form.
fn in_words(error: &ApiError) -> String {
    let named = |field: &str| match field {
        "at" => "The time",
        "reason" => "The reason",
        "label" => "The name",
        "scopes" => "What it may do",
        _ => "What you entered",
    };
    if error.code == "insufficient_scope" {
        return "The key that you are logged in with may not do this. Log in with a key that may.".to_owned();
    }
    let told: Vec<String> = error
        .fields
        .iter()
        .map(|(field, problem)| format!("{} {}.", named(field), problem.trim_end_matches('.')))
        .collect();
    if told.is_empty() { error.message.clone() } else { told.join(" ") }
}
