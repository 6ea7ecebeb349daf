//! Any bytes as a native file: read or refused, never a panic, a loop, or memory by the file's word. What is found is
//! shown too, as `concadvise check` shows it.

#![no_main]

use concadvise::report::binary;
use concadvise::source::project::Binary;
use concadvise::target::binary::facts;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(facts) = facts(&mut Cursor::new(bytes)) {
        let binaries = [Binary { path: "fuzzed".into(), facts }];
        let page = binary::render(&binaries, false);
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "a control character reached the page");
        let _ = binary::json(&binaries).to_string();
    }
});
