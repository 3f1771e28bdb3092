//! The one way to the model: counted, and as a part of the trace.

use model::{Error, Limits, Model, Written};
use web::metrics::{self, Outcome, Upstream};

/// Asks the model to do what `instructions` say with `request`.
pub async fn ask(model: &Model, instructions: &str, request: &str, limits: Limits) -> Result<Written, Error> {
    metrics::upstream(Upstream::Model, outcome, model.write(instructions, request, limits)).await
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Unavailable(_) => Outcome::Failed,
        Error::Refused | Error::Overlong | Error::Malformed(_) => Outcome::Refused,
    }
}
