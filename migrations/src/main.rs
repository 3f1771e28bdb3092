//! Root binary.
fn main() {}
