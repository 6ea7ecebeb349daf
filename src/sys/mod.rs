//! The only unsafe code: spawn-and-hold, `wait4`, signals, affinity, performance events.
//!
//! Each function here is the thinnest safe wrapper of one system call or one `fork`; what to do with it is `observe`'s.
#![allow(unsafe_code)]

pub mod fork;
