//! Findings as annotations of a GitHub workflow: lines that its runner reads as commands.
//!
//! The runner takes any line that begins with `::` for a command, so whatever comes from a file stands behind the first
//! words of one and in one line. GitHub shows ten annotations of a level for each step and drops the others without a
//! word; here they are counted in a line of their own.
//! (docs.github.com, Workflow commands for GitHub Actions, and Usage limits of annotations.)

use super::{from, region, sentence};
use crate::report::escape::{self, workflow_data as data, workflow_property as property};
use crate::source::finding::{Finding, Level};
use crate::source::project::Checked;
use std::fmt::Write;
use std::path::Path;

/// Annotations of a level that are shown.
const SHOWN: usize = 10;

/// One line for each finding. `base` is the folder that paths are told from: the repository's.
pub fn render(checked: &Checked, base: &Path) -> String {
    let mut page = String::new();
    for note in checked.notes.iter().filter(|note| note.refused) {
        let file = path(base, &note.path);
        let _ = writeln!(page, "::error file={file},title=concadvise::{}", data(&note.clause));
    }
    for level in Level::ALL.into_iter().rev() {
        let of_level = || checked.findings.iter().filter(|finding| finding.level == level);
        of_level().take(SHOWN).for_each(|finding| annotate(&mut page, finding, base));
        let more = of_level().count().saturating_sub(SHOWN);
        if more > 0 {
            let shown = format!("{more} more at the level {}; GitHub shows {SHOWN} of each level", level.name());
            let _ = writeln!(page, "{shown}, --format text all");
        }
    }
    page
}

fn annotate(page: &mut String, finding: &Finding, base: &Path) {
    let command = match finding.level {
        Level::Info => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let (start, end) = region(finding);
    // Columns past the end of a line make the runner forget them; those of two lines cannot be compared.
    let end_column = if start.line == end.line { format!(",endColumn={}", end.column) } else { String::new() };
    let _ = writeln!(
        page,
        "::{command} file={},line={},endLine={},col={}{end_column},title={}::{}",
        path(base, &finding.path),
        start.line,
        end.line,
        start.column,
        property(&format!("{} {}", finding.entry.code, finding.entry.name)),
        data(&sentence(finding)),
    );
}

fn path(base: &Path, path: &Path) -> String {
    property(&escape::word(from(base, path).as_os_str()))
}
