//! A panic of one file's own: told as a sentence, so that it ends neither the check nor the terminal's peace.
//!
//! Files are untrusted and the parser is not ours. What it is that panics is looked for by fuzzing (`fuzz/`); here it
//! costs one file instead of all.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// Longest message that is passed on: a slice's may hold the text it was cut from.
const LONGEST: usize = 200;

thread_local! {
    /// `Some` while a panic on this thread is ours to tell; then what it said.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What `work` returns.
///
/// # Errors
/// What its panic said, and where. Nothing that `work` borrows mutably is to be used after that.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SAID.with_borrow_mut(|said| said.as_mut().map(|said| *said = sentence(info)).is_some()) {
                before(info);
            }
        }));
    });
    let outer = SAID.replace(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let said = SAID.replace(outer).unwrap_or_default();
    result.map_err(|_| said)
}

fn sentence(info: &PanicHookInfo) -> String {
    let message = info.payload_as_str().unwrap_or("no message");
    let message: String = message.chars().take(LONGEST).collect();
    let place = info.location().map_or_else(String::new, |place| format!("{}:{}: ", place.file(), place.line()));
    format!("{place}{message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place_and_what_is_well_is_returned() {
        assert_eq!(caught(|| 7), Ok(7));
        let said = caught(|| -> u8 { panic!("at {}", 7) }).expect_err("it panics");
        assert!(said.contains("caught.rs:") && said.ends_with(": at 7"), "{said}");
        let said = caught(|| "x".repeat(999).as_str()[..=999].len()).expect_err("it is out of bounds");
        assert!(said.len() < 999, "{said}");
        // One within another: each is told to whom it belongs.
        let inner = caught(|| caught(|| -> u8 { panic!("inner") }).expect_err("it panics"));
        assert!(inner.is_ok_and(|said| said.contains("inner")));
        assert_eq!(caught(|| 8), Ok(8));
    }
}
