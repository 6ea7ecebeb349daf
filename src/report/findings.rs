//! Findings, in every format that they are wanted in: one file per format. Here is what formats share: where a finding
//! is for those who know files and lines only, and a name for it that outlives edits elsewhere in its file.

pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use super::escape;
use crate::source::finding::Finding;
use crate::source::project::Checked;
use crate::source::python::Place;
use std::collections::HashMap;
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

/// A name for each finding, in their order: of its code, path, function and line of source, and of how many like it
/// are before it, but not of the line's number. No two are the same.
fn fingerprints(checked: &Checked, base: &Path) -> Vec<String> {
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut one = |finding: &Finding| {
        let path = escape::word(from(base, &finding.path).as_os_str());
        let name = finding.qualified_name.as_deref().unwrap_or("");
        let key = hash(&[&finding.entry.code, &path, name, finding.spot.line.trim()]);
        let before = seen.entry(key).or_insert(0);
        *before += 1;
        let like = if *before == 1 { key } else { hash(&[&format!("{key:032x}"), &before.to_string()]) };
        format!("{like:032x}")
    };
    checked.findings.iter().map(&mut one).collect()
}

fn hash(parts: &[&str]) -> u128 {
    // No part holds a zero byte: it divides them.
    fnv1a(parts.iter().flat_map(|part| part.bytes().chain([0])))
}

/// FNV-1a with 128 bits (draft-eastlake-fnv), which is the same wherever and whenever it is worked out. Nobody gains
/// by making two findings look alike but who can edit the source anyway.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests;
