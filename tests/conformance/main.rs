//! The official MCP conformance suite against our transports.
