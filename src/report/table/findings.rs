//! The section of the page that says what the program's source shows: what the run confirmed comes first.

use super::Page;
use crate::report::escape::text;
use crate::report::schema::{Document, Finding};
use std::collections::BTreeSet;

/// Findings on the page; the report has all.
const MOST: usize = 4;

impl Page {
    /// Those that matter.
    pub(super) fn findings(&mut self, document: &Document) {
        let all = &document.finding;
        let matters = |finding: &&Finding| finding.level != "info";
        let shown: Vec<&Finding> = all.iter().filter(matters).take(MOST).collect();
        if shown.is_empty() {
            return;
        }
        self.heading("In its source");
        for finding in &shown {
            let Finding { code, level, path, line, message, .. } = finding;
            let place = format!("{}:{line}: {} {}", text(path), text(level), text(code));
            self.out.push_str(&super::wrapped(&format!("– {place} {}.", text(message)), 2, 2));
        }
        let more = all.len() - shown.len();
        if more > 0 {
            let files: BTreeSet<&str> = all.iter().map(|finding| finding.path.as_str()).collect();
            let what = if let [one] = files.into_iter().collect::<Vec<_>>()[..] { one } else { "." };
            self.paragraph(&format!("{more} more: concadvise check {}", text(what)));
        }
    }
}
