//! The brand of a customer.
mod profile;
pub use profile::{Cadence, Competitor, Pillar, Profile, Voice};
