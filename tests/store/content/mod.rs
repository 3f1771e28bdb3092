//! Pieces of content.

mod drafting;
mod listing;
mod planning;
mod reviewing;
mod scheduling;
