//! Memory for every process of ours.
//!
//! A storm of sessions must not leave its mark: glibc keeps the pages of what was freed until it is told to give them
//! back, jemalloc's background threads return them after ten seconds on their own. `tests/load` shows it.

#[global_allocator]
static JEMALLOC: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
