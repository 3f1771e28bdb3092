use std::sync::Arc;

use composio::{Execution, Tool};
use entity::connections::{self, ConnectionStatus, Platform};
use entity::ids::CustomerId;
use serde_json::Value;

use crate::arguments::{self, Field};
use crate::{Error, Platforms, Project, Result};

/// A customer's connected account on one platform, ready to be used.
pub(crate) struct Access<'a> {
    project: &'a Project,
    /// Whose.
    pub customer_id: &'a CustomerId,
    /// On which platform.
    pub platform: Platform,
    /// Composio's id of the account.
    pub account_id: String,
}

impl Access<'_> {
    /// Calls a tool that changes nothing; gives back its data.
    pub(crate) async fn read(&self, tool: &str, arguments: Value) -> Result<Value> {
        let execution = self.execution(tool, arguments);
        self.project.composio.execute(&execution).await.map_err(|error| Error::upstream(self.platform, error))
    }

    /// Calls a tool that acts, once.
    pub(crate) async fn act(&self, tool: &str, arguments: Value) -> composio::Result<Value> {
        self.project.composio.execute_once(&self.execution(tool, arguments)).await
    }

    /// The arguments of a tool, as it spells them.
    pub(crate) async fn arguments(&self, tool: &str, fields: Vec<Field<'_>>) -> Result<Value> {
        let tool = self.tool(tool).await?;
        arguments::fit(&tool.input_parameters, fields)
            .map_err(|field| Error::Unexpected(self.platform, format!("{} takes no {field}", tool.slug)))
    }

    async fn tool(&self, slug: &str) -> Result<Arc<Tool>> {
        if let Some(known) = self.project.tools.lock().await.get(slug) {
            return Ok(known.clone());
        }
        let tool = self.project.composio.tool(slug).await.map_err(|error| Error::upstream(self.platform, error))?;
        let tool = Arc::new(tool);
        self.project.tools.lock().await.insert(slug.to_owned(), tool.clone());
        Ok(tool)
    }

    fn execution<'b>(&'b self, tool: &'b str, arguments: Value) -> Execution<'b> {
        let (user_id, account_id) = (self.customer_id.as_str(), &self.account_id);
        Execution { tool, user_id, account_id, arguments }
    }
}

impl Platforms {
    /// The customer's account on a platform, if it is connected.
    pub(crate) async fn access<'a>(&'a self, customer_id: &'a CustomerId, platform: Platform) -> Result<Access<'a>> {
        let project = self.project()?;
        let known = connections::find(&self.db, customer_id, platform).await?;
        let known = match known {
            Some(known) if known.status == ConnectionStatus::Connected => Some(known),
            // They may have just finished, and nobody has told us.
            _ => {
                self.refresh(customer_id).await?;
                connections::find(&self.db, customer_id, platform).await?
            }
        };
        let status = known.as_ref().map_or(ConnectionStatus::NotConnected, |known| known.status);
        match known {
            Some(known) if status == ConnectionStatus::Connected => {
                Ok(Access { project, customer_id, platform, account_id: known.account_id })
            }
            _ => Err(Error::NotConnected(platform, status)),
        }
    }
}
