use async_openai::error::OpenAIError;

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer, or none but an error: it may work another time.
    #[error("the model is not available: {0}")]
    Unavailable(String),
    /// The model, or a filter before it, does not want to.
    #[error("the model refused to write it")]
    Refused,
    /// The answer was cut off, or is longer than it may be.
    #[error("the model’s answer is longer than it may be")]
    Overlong,
    /// The answer is none.
    #[error("the model’s answer cannot be read: {0}")]
    Malformed(String),
}

/// What the transport hands up through the library.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the server does not know max_completion_tokens")]
    UnknownLimit,
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<Failure> for OpenAIError {
    fn from(failure: Failure) -> Self {
        Self::Boxed(Box::new(failure))
    }
}

impl From<OpenAIError> for Failure {
    fn from(error: OpenAIError) -> Self {
        match error {
            OpenAIError::Boxed(error) => match error.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(other) => Error::Unavailable(other.to_string()).into(),
            },
            // The library's words repeat the whole answer.
            OpenAIError::JSONDeserialize(..) => {
                Error::Malformed("it is not what a model’s server answers".to_owned()).into()
            }
            _ => Error::Unavailable("the request could not be made".to_owned()).into(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::UnknownLimit => Self::Unavailable("its server knows no limit of an answer".to_owned()),
            Failure::Error(error) => error,
        }
    }
}
