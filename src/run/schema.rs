//! `concadvise schema`: the JSON Schema of a file, for editors and scripts; and its name on the first line of what is
//! written.
//!
//! A name that leads nowhere is worse than none: `taplo lint` fails a file for it, and editors warn. There is no public
//! address to name, so a file names its schema where that lies beside it, and not elsewhere.

use super::look::tell;
use crate::cli::Described;
use crate::exit::{Ending, USAGE};
use crate::gate::wire::shape::{BaselineFile, ConfigFile};
use crate::report::json_schema::of;
use crate::report::schema::Document;
use crate::rules::shape::RuleFile;
use crate::source::catalogue;
use std::path::Path;

/// Prints one.
pub(super) fn schema(file: Described) -> Ending {
    tell(Ok(text(file)), USAGE)
}

fn text(file: Described) -> String {
    match file {
        Described::Report => of::<Document>("report"),
        Described::Baseline => of::<BaselineFile>("baseline"),
        Described::Config => of::<ConfigFile>("config"),
        Described::Rules => of::<RuleFile>("rules"),
        Described::Findings => of::<catalogue::File>("findings"),
    }
}

/// What a report is to be written as at `path`.
pub(super) fn report(path: &Path, text: &str) -> String {
    naming("concadvise.report.schema.json", path, text)
}

/// What a baseline is to be written as at `path`.
pub(super) fn baseline(path: &Path, text: &str) -> String {
    naming("concadvise.baseline.schema.json", path, text)
}

fn naming(schema: &str, path: &Path, text: &str) -> String {
    let named = if path.with_file_name(schema).is_file() { format!("#:schema ./{schema}\n") } else { String::new() };
    named + text
}
