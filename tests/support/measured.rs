//! Claims about what was measured, on a machine that others use too.
//!
//! A neighbour that takes the cores for a second spoils one measurement and not the next, while code that measures
//! wrongly is wrong each time: so a claim is made up to four times, and holds when it holds once. The other claims of the
//! same test program are such neighbours, so they wait for one another. It is for claims
//! about shares of time, counts of samples, and what was concluded from them; what must hold whatever the machine does
//! (exit statuses, what was printed, refusals) is asserted once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// How often a claim is made.
const ATTEMPTS: u32 = 4;
/// Between two attempts, times the number of the first: a burst of other work may end meanwhile.
const PAUSE: Duration = Duration::from_secs(2);

/// Held while a claim is made.
static CORES: Mutex<()> = Mutex::new(());

/// Measures and claims; an attempt that failed is on the test's output.
pub fn measured<T>(claim: impl Fn() -> T) -> T {
    let claim = || {
        let _alone = CORES.lock().unwrap_or_else(PoisonError::into_inner);
        claim()
    };
    for attempt in 1..ATTEMPTS {
        match catch_unwind(AssertUnwindSafe(&claim)) {
            Ok(value) => return value,
            Err(_) => eprintln!("attempt {attempt} of {ATTEMPTS} did not measure what it should; once more"),
        }
        sleep(PAUSE * attempt);
    }
    catch_unwind(AssertUnwindSafe(claim)).unwrap_or_else(|failure| resume_unwind(failure))
}
