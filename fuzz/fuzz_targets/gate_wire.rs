//! Any text as a baseline, as the gate's configuration, and as a `pyproject.toml` with it: read, or refused by a sentence
//! that names the file and fits a terminal. A baseline that is read is written, and reads as the same again.

#![no_main]

use concadvise::gate::changed::ChangedLines;
use concadvise::gate::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match wire::read("b.toml", text) {
        Ok(baseline) => {
            let written = wire::write(&baseline);
            let again = wire::read("b.toml", &written).expect("what we write we read");
            assert_eq!(wire::write(&again), written);
        }
        Err(why) => fits(&why),
    }
    if let Err(why) = wire::of_config("b.toml", text) {
        fits(&why);
    }
    if let Err(why) = wire::of_pyproject("b.toml", text) {
        fits(&why);
    }
    ChangedLines::of_diff(text.as_bytes());
});

fn fits(why: &str) {
    assert!(why.starts_with("b.toml"), "which file is not said: {why}");
    assert!(why.len() < 4000, "no sentence has {} bytes", why.len());
}
