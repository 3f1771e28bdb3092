mod account;
mod events;
mod health;
mod provision;
mod shape;
mod stream;
