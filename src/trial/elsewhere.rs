//! The same work under another interpreter than the one that was named: what was tried there, kept apart from every
//! other trial, because changing the interpreter is a larger change than any model is. Pure.
//!
//! Finding such interpreters is `python::free_threaded`'s; what is said of it is `recommendation`'s.

use super::Trial;

/// One other interpreter, and what was tried there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Elsewhere {
    /// Its file.
    pub interpreter: String,
    /// As it calls itself: `3.14t`.
    pub version: String,
    /// What was run, or why nothing was.
    pub trials: Vec<Trial>,
}
