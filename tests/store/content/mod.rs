//! Pieces of content.

mod drafting;
mod listing;
mod reviewing;
mod scheduling;
