mod account;
mod brand;
mod content;
mod events;
mod leads;
mod review;
mod schedule;
mod workflows;
