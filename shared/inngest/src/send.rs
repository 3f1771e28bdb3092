//! Where the events of `step.send_event` go.

use futures::future::BoxFuture;

use crate::event::Event;

/// Whoever takes events.
pub trait SendEvents: Send + Sync {
    /// Takes the events and gives the ids that they got, or takes none of them.
    fn send_events(&self, events: Vec<Event>) -> BoxFuture<'_, Result<Vec<String>, SendError>>;
}

/// Events could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the events could not be sent: {0}")]
pub struct SendError(pub String);
