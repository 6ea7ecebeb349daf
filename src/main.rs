//! The way in: read the command line, do what it asks, end as the target ended.

use concadvise::trial::native;
use concadvise::{cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == native::HIDDEN_WORD) {
        return native::serve();
    }
    let ending = match cli::parse(words) {
        Ok(cli) => run::run(&cli),
        Err(refusal) => run::refuse(&refusal),
    };
    ending.end()
}
