//! Annotations of GitHub's runner: new errors at their lines first, of those the changed ones, then targets. The runner
//! shows ten of a level in a step and drops the rest without a word, so the tenth says how many more there are.

use super::{Outcome, level};
use crate::gate::verdict::Judgement;
use crate::report::escape::{workflow_data as data, workflow_property as property};
use crate::report::schema::Finding;
use crate::source::finding::Level;

/// Annotations of one level that a step shows.
const SHOWN: usize = 10;

/// The commands, one in each line.
pub fn render(outcome: &Outcome) -> String {
    let commands = [("error", Level::Error), ("warning", Level::Warning), ("notice", Level::Info)];
    commands.into_iter().map(|(command, level)| some(command, rows(outcome, level))).collect()
}

/// What follows the command's name, of every annotation of a level.
fn rows(outcome: &Outcome, of: Level) -> Vec<String> {
    let judged = || outcome.judgements.iter().filter(|judged| level(judged) == Some(of));
    let mut found: Vec<&Finding> = judged().flat_map(|judged| &judged.new_errors).collect();
    // On the lines of the pull request first: others are likelier to be cut off, and are seen less in its view.
    let changed =
        |found: &Finding| outcome.changed.as_ref().is_some_and(|changed| changed.has(&found.path, found.line));
    found.sort_by_key(|found| !changed(found));
    found.into_iter().map(of_error).chain(judged().map(of_target)).collect()
}

fn of_error(found: &Finding) -> String {
    let place = format!("file={},line={},title={}", property(&found.path), found.line, property(&found.code));
    format!("{place}::{}", data(&found.message))
}

fn of_target(judged: &Judgement) -> String {
    let all = [judged.reasons.as_slice(), &judged.todo].concat().join(". ");
    let title = format!("{}: {}", judged.target, judged.verdict.name());
    format!("title={}::{}", property(&title), data(&all))
}

fn some(level: &str, mut rows: Vec<String>) -> String {
    if rows.len() > SHOWN {
        let more = rows.len() - (SHOWN - 1);
        rows.truncate(SHOWN - 1);
        rows.push(format!("title=concadvise gate::{more} more are in this step's log"));
    }
    rows.into_iter().map(|row| format!("::{level} {row}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_of_a_level_are_shown_and_the_last_says_how_many_more() {
        let rows = |count: usize| some("error", (0..count).map(|row| format!("title=a::{row}")).collect());
        assert_eq!(rows(10).lines().count(), 10);
        let many = rows(25);
        assert_eq!((many.lines().count(), many.contains("::16 more are")), (10, true), "{many}");
    }
}
