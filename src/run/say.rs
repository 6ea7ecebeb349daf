//! The only lines that print. Messages go to standard error, because standard output is the target's; that nobody
//! listens there is no reason to fail. Everything is escaped on its way out, except pages that are escaped already.

use crate::report::escape;
use crate::report::table::WIDTH;
use crate::sys::terminal::columns;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// A message of ours, in one line.
pub fn complain(sentence: &str) {
    page(&format!("concadvise: {}\n", escape::text(sentence)));
}

/// A message of ours that may have several lines.
pub fn block(lines: &str) {
    let lines = escape::block(lines.trim_end());
    page(&if lines.starts_with("error:") { format!("{lines}\n") } else { format!("concadvise: {lines}\n") });
}

/// A page whose parts are escaped already.
pub fn page(page: &str) {
    let _ = io::stderr().lock().write_all(page.as_bytes());
}

/// What was asked for, on standard output. A reader that wants no more of it (`| head`) is no error.
///
/// # Errors
/// A sentence, when it could not all be written, as when the disk is full.
pub fn out(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|why| format!("cannot write to standard output: {why}")),
    }
}

/// Columns of the terminal that standard output is; of a page for nobody in particular where it is none.
pub fn width() -> u16 {
    columns(io::stdout().as_fd()).unwrap_or(WIDTH)
}

/// Whether the page may be dressed: on a terminal that knows how, unless the user asked for none (no-color.org).
pub fn bold() -> bool {
    dressed(&io::stderr())
}

/// The same of what goes to standard output.
pub fn colours() -> bool {
    dressed(&io::stdout())
}

fn dressed(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
