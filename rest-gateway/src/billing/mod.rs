//! Paying, and what a payment gives.

pub mod checkout;
pub mod claim;
