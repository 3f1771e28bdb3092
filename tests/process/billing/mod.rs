//! Billing from end to end: the real binary and its stand-in for Stripe, over HTTP.

mod claiming;
mod commands;
mod faults;
mod keys;
mod life_cycle;
mod limits;
mod shop;
mod storm;
mod webhooks;
