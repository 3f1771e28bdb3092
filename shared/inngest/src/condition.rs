//! Which events count.

/// A condition on a later event, for waiting and for cancelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// This field, such as `data.orderId`, is the same in the later event as in the one that started the run.
    Match(String),
    /// A CEL expression; `event` is what started the run, `async` the later one.
    Expression(String),
}

impl Condition {
    /// As CEL.
    #[must_use]
    pub fn expression(&self) -> String {
        match self {
            Self::Match(field) => format!("event.{field} == async.{field}"),
            Self::Expression(expression) => expression.clone(),
        }
    }
}
