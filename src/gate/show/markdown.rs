//! For a job's summary or a comment: a table of all targets, then each that needs a look, with before, after, why, and
//! what to do. GitHub refuses a summary above 1 MiB, so it ends before that.

use super::Outcome;
use crate::gate::verdict::{Judgement, Verdict};
use crate::report::escape::text;

/// Most bytes; room is left for what else a job says.
const LARGEST: usize = 900_000;

/// Most characters of any one string, so that none takes the place of the others.
const LONGEST: usize = 2_000;

/// The page.
pub fn render(outcome: &Outcome) -> String {
    let end = if outcome.fails() { "fails" } else { "passes" };
    let mut page = format!("### concadvise gate: {end} ({})\n\n", outcome.counts());
    let mut parts = vec!["| target | verdict | before | after |\n|---|---|---|---|\n".to_owned()];
    parts.extend(outcome.judgements.iter().map(row));
    parts.push("\n".to_owned());
    parts.extend(outcome.judgements.iter().filter(|judged| judged.verdict != Verdict::Unchanged).map(details));
    parts.extend(outcome.notes.iter().map(|note| format!("> {}\n", plain(note))));
    let all = parts.len();
    for (shown, part) in parts.into_iter().enumerate() {
        if page.len() + part.len() > LARGEST {
            page += &format!("\n{} more parts are left out; the human format has them all.\n", all - shown);
            break;
        }
        page += &part;
    }
    page
}

fn row(judged: &Judgement) -> String {
    let (before, after) = (plain(&judged.before.to_string()), plain(&judged.after.to_string()));
    format!("| {} | **{}** | {before} | {after} |\n", plain(&judged.target), judged.verdict.name())
}

fn details(judged: &Judgement) -> String {
    let mut lines = vec![format!("#### {}: {}\n", plain(&judged.target), judged.verdict.name())];
    lines.extend(judged.reasons.iter().map(|reason| format!("- why: {}", plain(reason))));
    lines.extend(
        judged
            .moved
            .iter()
            .take(5)
            .map(|moved| format!("- {}: {} → {}", plain(&moved.signal), moved.before, moved.after)),
    );
    lines.extend(judged.new_errors.iter().map(|found| {
        format!("- {}:{}: {} {}", plain(&found.path), found.line, plain(&found.code), plain(&found.message))
    }));
    lines.extend(judged.todo.iter().map(|todo| format!("- **do:** {}", plain(todo))));
    lines.join("\n") + "\n\n"
}

/// As text that is neither markdown nor HTML, and mentions nobody.
fn plain(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + 8);
    let sentence = text(sentence);
    for c in sentence.chars().take(LONGEST) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A mention or a reference that the text never meant would notify people. Those are looked for in the text
            // of the finished page, where an entity is its character again; what is divided is none.
            '@' | '#' => out.extend([&c.to_string(), "<!-- -->"]),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    if sentence.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_is_markup() {
        for (hostile, shown) in [
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[a](b) | `c`", "\\[a\\](b) \\| \\`c\\`"),
            ("@team #1", "@<!-- -->team #<!-- -->1"),
            ("a\nb", "a\\\\x0ab"),
        ] {
            assert_eq!(plain(hostile), shown);
        }
    }
}
