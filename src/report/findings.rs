//! Findings, in every format that they are wanted in: one file per format. Here is what formats share: where a finding
//! is for those who know files and lines only, and what its fingerprint is made of.

pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use super::escape;
use super::fingerprint::Fingerprints;
use crate::source::finding::Finding;
use crate::source::project::Checked;
use crate::source::python::Place;
use std::path::{Component, Path, PathBuf};

pub use text::explain;

/// A path as it was named, without a `./` that nobody typed.
pub(super) fn shown(path: &Path) -> String {
    escape::word(path.strip_prefix("./").unwrap_or(path).as_os_str())
}

/// A path from `base` on, where it is below; from the root where it is elsewhere. `..` is worked out by name alone.
pub fn from(base: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole.strip_prefix(base).map_or_else(|_| whole.clone(), Path::to_owned)
}

/// Where a finding begins and ends, both from 1, for those who look into the file itself. A line of a notebook's cell
/// is no line of its file, so a notebook has its first.
fn region(finding: &Finding) -> (Place, Place) {
    let first = Place { line: 1, column: 1 };
    let spot = &finding.spot;
    if spot.cell.is_some() { (first, first) } else { (spot.start, spot.end) }
}

/// What is wrong, in one line; of a notebook with the place that [`region`] cannot tell.
fn sentence(finding: &Finding) -> String {
    let place = finding.spot.cell.map_or_else(String::new, |cell| {
        format!("cell {cell}, line {}, column {}: ", finding.spot.start.line, finding.spot.start.column)
    });
    format!("{place}{}", escape::text(&finding.message))
}

/// A name for each finding, in their order: of its code, path, function and line of source.
fn fingerprints(checked: &Checked, base: &Path) -> Vec<String> {
    let mut prints = Fingerprints::default();
    let mut one = |finding: &Finding| {
        let path = escape::word(from(base, &finding.path).as_os_str());
        let name = finding.qualified_name.as_deref().unwrap_or("");
        prints.of(&[&finding.entry.code, &path, name, finding.spot.line.trim()])
    };
    checked.findings.iter().map(&mut one).collect()
}

#[cfg(test)]
mod tests;
