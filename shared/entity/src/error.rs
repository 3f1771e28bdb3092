//! What can go wrong in a use case.

use std::collections::BTreeMap;

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Shorthand for the result of a query or use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case was refused or failed. All but [`Error::Database`] are sentences for the customer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or it belongs to somebody else: the two must look the same.
    #[error("There is no {0} with this id.")]
    NotFound(&'static str),
    /// Input that breaks a rule: a sentence for each field.
    #[error("{}", invalid_sentence(.0))]
    Invalid(BTreeMap<String, String>),
    /// The state of things does not allow it; `code` says which rule to programs.
    #[error("{message}")]
    Conflict {
        /// Machine-readable name of the rule, in snake case.
        code: &'static str,
        /// Sentence for a person, with what to do.
        message: String,
    },
    /// The database cannot be reached or did not answer in time; nothing was changed.
    #[error("The database cannot be reached just now. Nothing was changed; try again in a moment.")]
    Unavailable(#[source] DbErr),
    /// The database was lost while it saved, and whether it did is not known.
    #[error(
        "The connection to the database broke while this was saved. Look whether it is there before you try again."
    )]
    Unclear(#[source] DbErr),
    /// The database cannot write; nothing was changed.
    #[error(
        "The database cannot write, because its disk is full or failing. Nothing was changed; it works again once \
         whoever runs this server has made room."
    )]
    Full(#[source] DbErr),
    /// A fault of ours. The text is for the log only.
    #[error("Something went wrong on our side.")]
    Database(#[source] DbErr),
}

impl Error {
    /// Bad input in one field; `problem` says what the field must be, as in "must not be empty".
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(BTreeMap::from([(field.into(), problem.into())]))
    }

    /// A refusal because of how things stand.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// Whether the error is a violated unique constraint.
    pub(crate) fn is_duplicate(error: &DbErr) -> bool {
        matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
    }
}

fn invalid_sentence(fields: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> =
        fields.iter().map(|(field, problem)| format!("`{field}`: {}.", problem.trim_end_matches('.'))).collect();
    parts.join(" ")
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_full(&error) {
            Self::Full(error)
        } else if is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

/// Whether the database could not write.
fn is_full(error: &DbErr) -> bool {
    // SQLite: 13 full, and the I/O errors of writing (778), flushing (1034), growing (1546) and of the index of the
    // journal (4874, 5386). Postgres: 53100 disk full.
    code(error).is_some_and(|code| matches!(&*code, "13" | "778" | "1034" | "1546" | "4874" | "5386" | "53100"))
}

fn code(error: &DbErr) -> Option<std::borrow::Cow<'_, str>> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => error.as_database_error()?.code(),
        _ => None,
    }
}

/// Whether the database was away, as opposed to refusing what we asked.
fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            is_unavailable_sqlx(error)
        }
        _ => false,
    }
}

fn is_unavailable_sqlx(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    match error {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::Protocol(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => true,
        // Postgres: 08 connection lost, 53 out of resources, 57P shutting down or starting up.
        // SQLite: 5 busy and 6 locked after the busy timeout.
        Sqlx::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("53")
                || code.starts_with("57P")
                || matches!(&*code, "5" | "6" | "517" | "261")
        }),
        _ => false,
    }
}
