//! The only unsafe code: spawn-and-hold, `wait4`, signals, waiting for descriptors.
//!
//! Each function here is the thinnest safe wrapper of a system call or of one `fork`; what to do with it is
//! `observe`'s. Nothing here prints, and nothing here knows what a target or a trial is.
#![allow(unsafe_code)]

pub mod fork;
pub mod origin;
pub mod ready;
pub mod signals;
pub mod spawn;
pub mod terminal;
pub mod wait;
