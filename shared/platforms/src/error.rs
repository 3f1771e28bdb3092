use entity::connections::{ConnectionStatus, Platform};
use http::StatusCode;
use web::ApiError;

use crate::facts;

/// Why something with a platform did not work. Displays as a sentence for the customer, whoever tells it to them: what
/// they or their assistant do about it is said where it is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no project at Composio.
    #[error("Connected platforms are not set up on this server. Its operator can: COMPOSIO_API_KEY is missing.")]
    NotConfigured,
    /// The platform must be connected first.
    #[error("{}", not_connected(*.0, *.1))]
    NotConnected(Platform, ConnectionStatus),
    /// The platform said no; in its words.
    #[error("{} refused: {}", facts(*.0).name, .1)]
    Refused(Platform, String),
    /// Composio or the platform is away, or answers what nobody understands.
    #[error("{} could not be asked just now. Nothing was changed; try again in a few minutes.", facts(*.0).name)]
    Upstream(Platform, #[source] composio::Error),
    /// The platform's answer lacks something.
    #[error("{} answered something that we do not understand ({}).", facts(*.0).name, .1)]
    Unexpected(Platform, String),
    /// Our side failed or refused.
    #[error(transparent)]
    Store(#[from] entity::Error),
}

fn not_connected(platform: Platform, status: ConnectionStatus) -> String {
    let name = facts(platform).name;
    match status {
        ConnectionStatus::NeedsReconnect => format!("The connection to {name} no longer works."),
        ConnectionStatus::Pending => {
            format!("{name} is not connected yet: the link was not followed to its end.")
        }
        ConnectionStatus::NotConnected | ConnectionStatus::Connected => format!("{name} is not connected."),
    }
}

impl Error {
    pub(crate) fn upstream(platform: Platform, error: composio::Error) -> Self {
        match error {
            composio::Error::ToolFailed { message, .. } => Self::Refused(platform, message),
            composio::Error::Refused { message, .. } if !error.is_outage() => Self::Refused(platform, message),
            error => Self::Upstream(platform, error),
        }
    }

    /// Its name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NotConnected(..) => "not_connected",
            Self::Refused(..) => "platform_refused",
            Self::Upstream(..) | Self::Unexpected(..) => "platform_failed",
            Self::Store(_) => "internal",
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Store(error) => return error.into(),
            Error::NotConfigured => StatusCode::SERVICE_UNAVAILABLE,
            Error::NotConnected(..) => StatusCode::CONFLICT,
            Error::Refused(..) | Error::Upstream(..) | Error::Unexpected(..) => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.code(), error.to_string())
    }
}
