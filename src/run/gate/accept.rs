//! `gate --update` and `gate --diff`: what accepting the runs of now changes in the baseline, told before it is done.

use super::{Gatekeeper, Named, sources};
use crate::exit::{Ending, OK, USAGE};
use crate::gate::difference::difference;
use crate::gate::record::Record;
use crate::gate::{Baseline, pairing, wire};
use crate::report::escape::{text, word};
use crate::report::file::write_atomically;
use crate::run::{say, schema};

/// Tells and writes.
pub(super) fn update(keeper: &Gatekeeper) -> Result<Ending, String> {
    let force = keeper.options.force;
    let ci = std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    if ci && !force {
        return Err(
            "CI is set: a baseline that CI accepts by itself keeps nothing out; run concadvise gate --update by \
                    hand and commit it, or add --force"
                .to_owned(),
        );
    }
    let before = sources::existing(&keeper.baseline)?.unwrap_or_default();
    let mut after = before.clone();
    let mut refused = Vec::new();
    for run in keeper.runs()? {
        let run = if force { run } else { keeper.as_evidence(run)? };
        let name = name(&before, &run)?;
        match run.current.inconclusive().filter(|_| !force) {
            Some(why) => refused.push(format!("{name} is not accepted, its evidence is inconclusive: {why}")),
            None => after.accept(run.current.named(&name).record),
        }
    }
    let pruned = if keeper.asks_for_configured() {
        let names: Vec<&str> = keeper.config.targets.iter().map(|target| target.name.as_str()).collect();
        after.prune(&names)
    } else {
        Vec::new()
    };
    tell(&before, &after, &pruned)?;
    if before != after {
        let text = schema::baseline(&keeper.baseline, &wire::write(&after));
        // A report is untrusted, and a baseline that no gate can read again must not be committed.
        wire::read(&word(keeper.baseline.as_os_str()), &text)
            .map_err(|why| format!("nothing is accepted, for the baseline could not be read again: {why}"))?;
        write_atomically(&keeper.baseline, &text).map_err(|why| why.replace("--output", "--baseline"))?;
        say::complain(&format!("{} is written; commit it", word(keeper.baseline.as_os_str())));
    }
    for why in &refused {
        say::complain(why);
    }
    if !refused.is_empty() {
        say::complain("--force accepts it all the same");
    }
    Ok(Ending::Status(if refused.is_empty() { OK } else { USAGE }))
}

/// Tells only.
pub(super) fn diff(keeper: &Gatekeeper) -> Result<Ending, String> {
    let before = sources::baseline(&keeper.baseline)?;
    let mut after = before.clone();
    for run in keeper.runs()? {
        let name = name(&before, &run)?;
        after.accept(run.current.named(&name).record);
    }
    tell(&before, &after, &[])?;
    Ok(Ending::Status(OK))
}

/// The name to keep a run under: its own, that of the target with its command, or one made of its command.
fn name(baseline: &Baseline, run: &Named) -> Result<String, String> {
    if let Some(name) = &run.name {
        return Ok(name.clone());
    }
    if let Ok(name) = pairing::target_of(baseline, None, &run.current) {
        return Ok(name);
    }
    let made = pairing::name_for(&run.current);
    match baseline.target(&made) {
        None => Ok(made),
        Some(other) => Err(format!(
            "the baseline has another target {made}, `{}`; name this one with --name, or as NAME=REPORT",
            pairing::shown(&other.command)
        )),
    }
}

fn tell(before: &Baseline, after: &Baseline, pruned: &[String]) -> Result<(), String> {
    let mut page = String::new();
    let changed = |record: &&Record| before.target(&record.name) != Some(*record);
    for record in after.targets().iter().filter(changed) {
        page += &format!("{}\n", text(&record.name));
        let lines = difference(before.target(&record.name), record);
        let lines = if lines.is_empty() { vec!["only ranges and times differ".to_owned()] } else { lines };
        lines.iter().for_each(|line| page += &format!("  {}\n", text(line)));
    }
    pruned.iter().for_each(|name| page += &format!("{}\n  is dropped: it is not configured any more\n", text(name)));
    if page.is_empty() {
        page = "nothing differs from the baseline\n".to_owned();
    }
    say::out(&page)
}
