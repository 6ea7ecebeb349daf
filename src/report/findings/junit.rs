//! Findings as the results of tests, in the XML of JUnit that every CI server shows: a suite for each file, a case for
//! each finding. A finding that fails the check fails its case, information does not.

use super::{from, region, sentence};
use crate::report::escape::{self, xml};
use crate::source::finding::{Finding, Level};
use crate::source::project::{Checked, Note};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What one file had.
#[derive(Default)]
struct Suite<'a> {
    findings: Vec<&'a Finding>,
    refusals: Vec<&'a Note>,
}

impl Suite<'_> {
    fn failures(&self) -> usize {
        self.findings.iter().filter(|finding| finding.level >= Level::Warning).count()
    }

    fn tests(&self) -> usize {
        self.findings.len() + self.refusals.len()
    }
}

/// The document. `base` is the folder that paths are told from.
pub fn render(checked: &Checked, base: &Path) -> String {
    let mut suites: BTreeMap<String, Suite<'_>> = BTreeMap::new();
    let name = |path: &Path| escape::word(from(base, path).as_os_str());
    for finding in &checked.findings {
        suites.entry(name(&finding.path)).or_default().findings.push(finding);
    }
    for note in checked.notes.iter().filter(|note| note.refused) {
        suites.entry(name(&note.path)).or_default().refusals.push(note);
    }
    let sum = |of: fn(&Suite<'_>) -> usize| suites.values().map(of).sum::<usize>();
    let (tests, failures, errors) = (sum(|s| s.tests()), sum(|s| s.failures()), sum(|s| s.refusals.len()));
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        page,
        "<testsuites name=\"concadvise\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">",
        tests.max(1)
    );
    // A document without any test reads as a job that broke.
    if tests == 0 {
        page.push_str("  <testsuite name=\"concadvise\" tests=\"1\" failures=\"0\" errors=\"0\">\n");
        page.push_str("    <testcase name=\"no findings\" classname=\"concadvise\"/>\n  </testsuite>\n");
    }
    for (name, suite) in &suites {
        one(&mut page, name, suite);
    }
    page.push_str("</testsuites>\n");
    page
}

fn one(page: &mut String, name: &str, suite: &Suite<'_>) {
    let (tests, failures, errors) = (suite.tests(), suite.failures(), suite.refusals.len());
    let name = xml(name);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let _ = writeln!(page, "  <testsuite name=\"{name}\" {counts}>");
    for note in &suite.refusals {
        let why = xml(&note.clause);
        let _ = writeln!(page, "    <testcase name=\"read\" classname=\"{name}\">");
        let _ = writeln!(page, "      <error type=\"unreadable\" message=\"{why}\"/>\n    </testcase>");
    }
    for finding in &suite.findings {
        let (start, _) = region(finding);
        let case = xml(&format!("{} {}:{}", finding.entry.code, start.line, start.column));
        let line = start.line;
        let _ = writeln!(page, "    <testcase name=\"{case}\" classname=\"{name}\" file=\"{name}\" line=\"{line}\">");
        let (what, source) = (xml(&sentence(finding)), xml(finding.spot.line.trim()));
        if finding.level >= Level::Warning {
            let code = xml(&finding.entry.code);
            let _ = writeln!(page, "      <failure type=\"{code}\" message=\"{what}\">{source}</failure>");
        } else {
            let _ = writeln!(page, "      <system-out>{what}: {source}</system-out>");
        }
        page.push_str("    </testcase>\n");
    }
    page.push_str("  </testsuite>\n");
}
