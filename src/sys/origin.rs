//! How this process was started, recorded before the standard library's runtime changes it, so that the target can
//! be given exactly that: the runtime ignores SIGPIPE and opens `/dev/null` on closed standard descriptors.

use nix::libc;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// Signals that were ignored: bit *n* − 1 for signal *n*.
static IGNORED: AtomicU64 = AtomicU64::new(0);
/// Signals that were blocked.
static BLOCKED: AtomicU64 = AtomicU64::new(0);
/// Standard descriptors that were closed: bit *n* for descriptor *n*.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// The C library calls it before `main`, and so before the runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

extern "C" fn record() {
    for signal in 1..=64 {
        if disposition(signal) == libc::SIG_IGN {
            IGNORED.fetch_or(bit(signal), Relaxed);
        }
    }
    let mut blocked = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: a null new mask only reads; `blocked` is a valid place for one set, and all zeroes is an empty set.
    let blocked = unsafe {
        libc::sigprocmask(libc::SIG_BLOCK, ptr::null(), blocked.as_mut_ptr());
        blocked.assume_init()
    };
    for signal in 1..=64 {
        // SAFETY: reads one member of a set that lives on this stack.
        if unsafe { libc::sigismember(&raw const blocked, signal) } == 1 {
            BLOCKED.fetch_or(bit(signal), Relaxed);
        }
    }
    for descriptor in 0..3 {
        // SAFETY: F_GETFD touches no memory; a closed descriptor is the error that is asked for.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            CLOSED.fetch_or(1 << descriptor, Relaxed);
        }
    }
}

/// What this process does on `signal` now; `SIG_DFL` where the C library keeps the signal to itself.
pub(super) fn disposition(signal: i32) -> libc::sighandler_t {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only reads; `action` is a valid place, and all zeroes is a valid value of it.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction
    }
}

/// Whether `signal` was ignored when this process was started.
pub(super) fn ignored(signal: i32) -> bool {
    IGNORED.load(Relaxed) & bit(signal) != 0
}

/// Whether `signal` was blocked when this process was started.
pub(super) fn blocked(signal: i32) -> bool {
    BLOCKED.load(Relaxed) & bit(signal) != 0
}

/// Whether a standard descriptor (0, 1, 2) was closed when this process was started.
pub(super) fn closed(descriptor: i32) -> bool {
    CLOSED.load(Relaxed) & (1 << descriptor) != 0
}
