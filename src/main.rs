//! The command line's way in.

use concadvise::trial::native;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == native::HIDDEN_WORD) {
        return native::serve();
    }
    ExitCode::SUCCESS
}
