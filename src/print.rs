//! What the commands print. `println!` panics when nobody reads it any more, as behind `| head`.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stdout};
use std::process::exit;

/// What a shell says of a program that ended because nobody read on: 128 and the number of SIGPIPE.
const NOBODY_READS: i32 = 141;

/// Prints a line, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::print::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Prints a line. When that cannot be done the process ends: quietly, if it is only that nobody reads on.
#[expect(clippy::print_stderr, reason = "the last words of a process")]
pub fn line(text: Arguments<'_>) {
    match writeln!(stdout(), "{text}") {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit(NOBODY_READS),
        Err(error) => {
            eprintln!("heycmo: cannot print: {error}");
            exit(1);
        }
    }
}
