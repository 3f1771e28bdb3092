//! Letting apps in, by OAuth: what is on the wire, and every attack that the MCP specification and its security best
//! practices speak of and that can be made here.

mod attacks;
mod consent;
mod flow;
mod registering;
pub mod support;
