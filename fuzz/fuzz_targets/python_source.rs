//! Any bytes as a Python file, and as a notebook: parsed, walked by every detector, and joined to itself; refused or
//! told of, never a panic or an overflowing stack.

#![no_main]

use concadvise::report::findings;
use concadvise::source::detect::Dispatch;
use concadvise::source::project;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;

static ALL: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::of(|_| true));

fuzz_target!(|bytes: &[u8]| {
    // A notebook's cells are in JSON, which bytes at random seldom are; the first one chooses.
    let name = if bytes.starts_with(b"{") { "fuzzed.ipynb" } else { "fuzzed.py" };
    let check = || project::check_bytes(Path::new(name), bytes.to_vec(), &ALL);
    // Four times what `check` gives its threads: with a sanitizer each call takes more of it.
    let checked = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, check);
        thread.expect("a thread").join().expect("no panic")
    });
    let page = findings::text::render(&checked, false);
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "a control character reached the page");
});
