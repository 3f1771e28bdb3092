//! The transports over real sockets: what clients see, and what is left when they are gone.

mod fixture;
mod guarding;
mod legacy;
mod legacy_limits;
mod lifecycle;
mod server;
mod sse;
mod streamable;
