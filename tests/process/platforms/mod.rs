//! Connected platforms by the real binary and the stand-in for Composio.

mod asking;
mod connecting;
mod desk;
mod numbers;
mod outage;
mod publishing;
mod report;
