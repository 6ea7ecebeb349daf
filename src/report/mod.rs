//! The only place where results meet a wire format or a page: TOML, the table, recordings. One file per format.
//!
//! Strings from targets, rules and reports are untrusted and are escaped here, for each format its own way.
