//! Which lines the pull request changed, asked of git. Where that cannot be told, annotations keep their order: no gate
//! fails for it.

use super::Gatekeeper;
use super::attended::Attended;
use super::git::{answer, ask, git};
use crate::gate::changed::ChangedLines;
use crate::gate::show::{Format, Outcome};
use crate::run::say;
use std::path::Path;

/// How they are asked for, so that no configuration of the user's gives the answer another form.
const DIFF: [&str; 13] = [
    "-c",
    "core.quotePath=true",
    "diff",
    "--unified=0",
    "--inter-hunk-context=0",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    // Paths as findings have them: from the folder that this runs in.
    "--relative",
];

/// Since the commit that was named, or that GitHub's pull request is to be merged into; `None` where nobody asks for
/// it, or it cannot be told.
pub(super) fn lines(keeper: &Gatekeeper, outcome: &Outcome) -> Option<ChangedLines> {
    let options = keeper.options;
    let formats = options.output.iter().map(|(format, _)| format).chain([&options.format]);
    let wanted = formats.into_iter().any(|format| *format == Format::Github);
    if !wanted || outcome.judgements.iter().all(|judged| judged.new_errors.is_empty()) {
        return None;
    }
    let asked = options.paired.as_ref().or(options.base.as_ref());
    let into = std::env::var("GITHUB_BASE_REF").ok().filter(|name| !name.is_empty());
    let base = asked.cloned().or_else(|| into.map(|name| format!("origin/{name}")))?;
    match since(&base) {
        Ok(changed) => Some(changed),
        Err(why) => {
            say::complain(&format!("which lines changed since {base} is not known, so all are alike: {why}"));
            None
        }
    }
}

/// What HEAD changed since it left `base`.
fn since(base: &str) -> Result<ChangedLines, String> {
    let attended = Attended::begin();
    let here = std::env::current_dir().unwrap_or_else(|_| Path::new(".").to_owned());
    // A commit's own name is no option and no path, whatever was written.
    let named = format!("{base}^{{commit}}");
    let commit = match base.starts_with('-') {
        true => return Err("a commit's name does not begin with -".to_owned()),
        false => ask(&here, ["rev-parse", "--verify", "--quiet", &named], &attended)
            .map_err(|_| "git knows no such commit here; fetch it (fetch-depth: 0 of actions/checkout)".to_owned())?,
    };
    let range = format!("{}...HEAD", commit.to_string_lossy());
    let words = DIFF.into_iter().chain([&*range, "--"]);
    answer(&mut git(&here, words), &attended).map(|diff| ChangedLines::of_diff(&diff))
}
