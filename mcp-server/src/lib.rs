//! HeyCMO as an MCP server.
pub mod caller;
pub mod transport;
