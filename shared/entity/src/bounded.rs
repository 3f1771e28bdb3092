//! Connections whose statements end in bounded time, also when the network swallows the answer.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};

use crate::error::Error;

/// Longer than a statement may run on the server, so that what the server can tell itself is told by the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);

/// A connection or transaction that gives a statement up when no answer comes.
///
/// A lost or refused connection is an error at once. One that stalls is not: TCP keeps trying for a quarter of an hour.
#[derive(Clone, Debug)]
pub struct Bounded<C>(pub(crate) C);

/// A transaction that may write.
pub(crate) type Tx = Bounded<DatabaseTransaction>;

impl Tx {
    /// Makes what was done last. When no answer comes, it may have been done all the same.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        bounded(self.0.commit()).await.map_err(|error| match Error::from(error) {
            Error::Unavailable(error) => Error::Unclear(error),
            other => other,
        })
    }
}

/// The outcome, or that none came in time.
pub(crate) async fn bounded<T>(statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    tokio::time::timeout(ANSWER_TIMEOUT, statement).await.unwrap_or_else(|_| {
        let problem = format!("no answer within {} s", ANSWER_TIMEOUT.as_secs());
        Err(DbErr::Conn(RuntimeErr::Internal(problem)))
    })
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Bounded<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        bounded(self.0.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        bounded(self.0.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        bounded(self.0.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        bounded(self.0.query_all_raw(statement)).await
    }
}
