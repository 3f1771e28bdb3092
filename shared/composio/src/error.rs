use std::time::Duration;

use reqwest::StatusCode;

/// How much of a message of theirs is kept.
const MAX_MESSAGE_CHARS: usize = 500;
/// A word this long is more likely a token than a word.
const MAX_WORD_CHARS: usize = 40;

/// Why a call failed. For logs and for deciding what to do; not written for customers, except a tool's own message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: nothing was sent.
    #[error("Composio cannot be reached: {0}")]
    NotSent(String),
    /// The request may have arrived; no whole answer came back.
    #[error("Composio did not answer: {0}")]
    NoAnswer(String),
    /// An answer that is an error.
    #[error("Composio answered {status}{}: {message}", of_request(.request_id))]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Their sentence.
        message: String,
        /// By which their support finds the call.
        request_id: Option<String>,
        /// How long they ask to wait.
        retry_after: Option<Duration>,
    },
    /// An answer that is not what was asked for.
    #[error("Composio's answer{} cannot be read: {problem}", of_request(.request_id))]
    Unreadable {
        /// What is wrong.
        problem: String,
        /// By which their support finds the call.
        request_id: Option<String>,
    },
    /// The tool was run and failed: usually the platform's own refusal.
    #[error("the platform refused: {message}")]
    ToolFailed {
        /// Their sentence.
        message: String,
        /// The platform's HTTP status, where it is told.
        status: Option<u16>,
        /// By which their support finds the call.
        log_id: Option<String>,
    },
}

fn of_request(request_id: &Option<String>) -> String {
    request_id.as_ref().map(|id| format!(" to request {id}")).unwrap_or_default()
}

impl Error {
    /// Whether what was asked for may have been done all the same.
    #[must_use]
    pub fn may_have_been_done(&self) -> bool {
        match self {
            Self::NotSent(_) => false,
            Self::NoAnswer(_) | Self::Unreadable { .. } => true,
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::REQUEST_TIMEOUT,
            // Between Composio and the platform an answer can be lost too.
            Self::ToolFailed { message, status, .. } => {
                let message = message.to_ascii_lowercase();
                status.is_some_and(|status| status >= 500 || status == 408)
                    || ["timeout", "timed out", "connection reset", "gateway"].iter().any(|word| message.contains(word))
            }
        }
    }

    /// Whether there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, .. })
    }

    /// Whether Composio itself is away or fails, as opposed to refusing what we asked.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::NoAnswer(_) | Self::Unreadable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            Self::ToolFailed { .. } => false,
        }
    }
}

/// A message of others as it may be logged and shown: short, and without anything that looks like a token.
pub(crate) fn clean(message: &str) -> String {
    let words = message.split_whitespace().map(|word| if looks_like_a_token(word) { "…" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

fn looks_like_a_token(word: &str) -> bool {
    let run = word.split(|letter: char| !(letter.is_ascii_alphanumeric() || "._-~+".contains(letter)));
    run.map(str::len).max().unwrap_or(0) > MAX_WORD_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_token_is_left_out() {
        let token = "ya29.a0AfH6SMBx8q-3kQ0vJ2nXw5dYpLr7TtUeIoPaSdFgHjKlZxCvBnM";
        assert_eq!(clean(&format!("bad token {token} given")), "bad token … given");
        assert_eq!(clean(&format!("bad token=\"{token}\"")), "bad …");
        assert_eq!(
            clean("Invalid request,\n see  https://docs.composio.dev"),
            "Invalid request, see https://docs.composio.dev"
        );
        assert_eq!(clean(&"word ".repeat(1000)).chars().count(), MAX_MESSAGE_CHARS);
    }

    #[test]
    fn only_what_certainly_was_not_done_says_so() {
        let refused = |status: u16| Error::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            message: String::new(),
            request_id: None,
            retry_after: None,
        };
        let failed = |message: &str, status| Error::ToolFailed { message: message.to_owned(), status, log_id: None };
        for error in [Error::NotSent(String::new()), refused(400), refused(401), refused(422), refused(429)] {
            assert!(!error.may_have_been_done(), "{error:?}");
        }
        assert!(!failed("duplicate content", Some(403)).may_have_been_done());
        for error in [Error::NoAnswer(String::new()), refused(408), refused(500), refused(503)] {
            assert!(error.may_have_been_done(), "{error:?}");
        }
        assert!(failed("Request timed out", None).may_have_been_done());
        assert!(failed("upstream", Some(502)).may_have_been_done());
    }
}
