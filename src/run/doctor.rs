//! `concadvise doctor`: what this machine and these rights let be measured, and how to get the rest. Whatever it finds,
//! to have looked is success.

use super::look::tell;
use super::say;
use crate::cli::{Doctor, Format};
use crate::exit::{Ending, OURS};
use crate::host::Host;
use crate::observe::examine;
use crate::report::instruments::{page, toml};
use std::path::Path;

/// Looks, and prints what was found.
pub fn doctor(options: &Doctor) -> Ending {
    let answer = examine(&Host::read(Path::new("/"))).map_err(|why| why.to_string());
    let answer = answer.and_then(|instruments| match options.format {
        Format::Table => Ok(page(&instruments, say::width())),
        Format::Toml => toml(&instruments),
    });
    tell(answer, OURS)
}
