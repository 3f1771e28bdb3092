//! HeyCMO's data.
pub mod brands;
pub mod content;
pub mod ids;
