//! Running the user's whole command again, looked into from inside: only where the user asked for it (`--rerun`).
//!
//! `injection` puts a package of ours on the import path of a Python program and reads what it tells; what it looks
//! for, and what is made of that, is each collector's: `sites` for the executors that the program builds.

pub mod calls;
pub mod injection;
