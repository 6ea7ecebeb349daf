//! The file formats of the gate: the baseline that is committed, and the configuration that names targets. The only
//! part of `gate` that knows TOML; it reads text and makes text, and opens no file.
//!
//! Both files are untrusted. Whatever is in them is refused by a sentence with its line, or is data and nothing else.

mod baseline;
mod config;
mod fields;
mod lines;
pub mod shape;
mod write;

pub use baseline::read;
pub use config::{Config, TargetConfig, of_config, of_pyproject};
pub use lines::lines;
pub use write::write;

/// Raised when a key of the baseline changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Largest baseline or configuration that is read, in bytes; a target takes about 4 kB.
pub const LARGEST: usize = 4 << 20;
