//! The tables, one file each. Only this crate's queries touch them, so that no caller can forget the tenant.

pub mod api_key;
pub mod auth_config;
pub mod brand;
pub mod checkout_session;
pub mod composio_event;
pub mod connect_state;
pub mod connection;
pub mod content;
pub mod content_decision;
pub mod content_revision;
pub mod customer;
pub mod engine_run;
pub mod engine_schedule;
pub mod engine_step;
pub mod engine_timer;
pub mod engine_wait;
pub mod event;
pub mod lead;
pub mod mcp_session;
pub mod outbox_message;
pub mod publication;
pub mod scan;
pub mod stripe_event;
pub mod subscription;
pub mod workflow_run;
pub mod workflow_step;
