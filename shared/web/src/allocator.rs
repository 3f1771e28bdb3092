//! Memory for every process of ours.
//!
//! A storm of sessions must not leave its mark: glibc keeps the pages of what was freed until it is told to give them
//! back. jemalloc's background threads, which its feature `background_threads` starts, return them after ten seconds,
//! also where nothing happens any more. `tests/load` shows it.

#[global_allocator]
static JEMALLOC: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
