//! Behaviour of the public surface. One binary, so that its dependencies are linked once.

mod ads;
mod brand;
mod calendar;
mod claims;
mod email;
mod guides;
mod input;
mod optimization;
mod scanner;
mod social;
mod support;
mod web;
mod x;
