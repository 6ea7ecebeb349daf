//! `--rerun`: the user's whole command again, by the user's word. One run to look into it; then runs with one place that
//! builds executors turned at a time; or trials of the function that it calls most; or, with neither, the twin's.

mod loops;

use super::trials::{Enough, line, progress};
use crate::cli::Options;
use crate::host::Host;
use crate::notice::Notice;
use crate::observe::{Observation, Process};
use crate::profile::Profile;
use crate::report::recording::{Recording, Tried};
use crate::target::Runtime;
use crate::trial::rerun::command::Command;
use crate::trial::rerun::injection::Part;
use crate::trial::rerun::search::{Bounds, Search};
use crate::trial::rerun::sites::{self, Site};
use crate::trial::rerun::{Rerun, run_site};
use crate::trial::{Measurement, Outcome};
use crate::units::human;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

/// Places that are tried; each takes a dozen runs of the whole program.
const MOST_SITES: usize = 3;
/// The default budget: this, or so many times the observed run.
const BUDGET: (Duration, u32) = (Duration::from_secs(30), 12);
/// Where tasks are under way for less of the run, even no time at all for them is no gain of 5 %.
const WORTH: f64 = 0.05;
/// A shorter program is mostly Python starting, and what the machine does besides.
const SHORT: Duration = Duration::from_secs(1);
/// The first and the last run of the program as it is that differ by more mean that the machine changed.
const DRIFT: f64 = 0.10;
/// From this part of its demand on, work waits (as `classify` has it).
const WAITS: f64 = 0.2;

/// Looks into the command and tries what is found there; else a twin of it, and says why.
pub fn tried(recording: &Recording, profile: &Profile, options: &Options, enough: &Enough) -> Tried {
    let why = match attempt(recording, profile, options, enough) {
        Ok(tried) => return tried,
        Err(why) => why,
    };
    let found = why.sites;
    let why = Notice::NothingToTurn { why: why.why };
    let mut tried = super::trials::tried(recording, profile, options, enough);
    tried.notices.insert(0, why);
    tried.rerun = Some(Rerun { sites: found, compared: false });
    tried
}

/// Why nothing of the program's own was tried.
struct Nothing {
    why: String,
    sites: Vec<Site>,
}

impl From<String> for Nothing {
    fn from(why: String) -> Self {
        Self { why, sites: Vec::new() }
    }
}

fn attempt(recording: &Recording, profile: &Profile, options: &Options, enough: &Enough) -> Result<Tried, Nothing> {
    let Recording { host, target, observation, .. } = recording;
    if !matches!(target.runtime, Runtime::CPython(_)) {
        return Err("it looks into programs that CPython runs, and this is none".to_owned().into());
    }
    let Some(exit) = observation.exit else { return Err("how it ended is not known".to_owned().into()) };
    let ended = (exit, observation.wall);
    let mut command = Command::new(&target.argv, meant(observation), ended, host.memory.usable(), enough.launch())?;
    let bar = progress(options.quiet);
    bar.set_message("concadvise: running the command again to look into it");
    let loops = loops::of(target);
    let parts: Vec<Part> = [sites::watch()].into_iter().chain(loops::part(&loops)).collect();
    let scouted = command.scout(&parts);
    bar.finish_and_clear();
    let scouted = scouted?;
    let mut found = sites::sites(&scouted.1);
    found.iter_mut().for_each(|site| site.untried = unworthy(site, observation.wall));
    if found.iter().any(|site| site.untried.is_none()) {
        return Ok(turn(recording, profile, command, found, options, enough));
    }
    match loops::advise(recording, &loops, &command, &scouted, options, enough) {
        Ok(tried) => Ok(Tried { rerun: Some(Rerun { sites: found, compared: false }), ..tried }),
        Err(looked_for) => Err(Nothing { why: vain(&found, &looked_for), sites: found }),
    }
}

/// Tries the busiest places, one at a time, the others as they are.
fn turn(
    recording: &Recording,
    profile: &Profile,
    mut command: Command,
    mut found: Vec<Site>,
    options: &Options,
    enough: &Enough,
) -> Tried {
    let wall = recording.observation.wall;
    let budget = options.budget.unwrap_or_else(|| BUDGET.0.max(wall.saturating_mul(BUDGET.1)));
    let bounds = bounds(&recording.host, profile);
    let interrupted = || enough.signal().is_some();
    let bar = progress(options.quiet);
    let mut notices = Vec::new();
    let worthy: Vec<usize> = (0..found.len()).filter(|at| found[*at].untried.is_none()).collect();
    for at in worthy.iter().skip(MOST_SITES) {
        found[*at].untried = Some(format!("only the {MOST_SITES} busiest places of the program were tried"));
    }
    let tries: Vec<usize> = worthy.into_iter().take(MOST_SITES).collect();
    let (first, mut spent) = command.run(None, 1);
    let mut unchanged = match first {
        Outcome::Ok(measured) => measured,
        Outcome::Failed(why) | Outcome::Unsafe(why) | Outcome::NotApplicable(why) | Outcome::Pruned(why) => {
            notices.push(doubt(format!("the program as it is did not run a second time: {why}")));
            Measurement::default()
        }
    };
    for (done, at) in tries.iter().enumerate() {
        let left = budget.saturating_sub(spent);
        let site = &mut found[*at];
        if interrupted() || unchanged.walls.is_empty() || left.is_zero() {
            site.untried = Some("the trials ended before it was its turn".to_owned());
            continue;
        }
        let share = left / u32::try_from(tries.len() - done).unwrap_or(1);
        let search = Search::new(site, &bounds, &unchanged);
        let before = spent;
        spent += run_site(&mut command, site, search, share, &interrupted, &mut |setting, of_site| {
            bar.set_message(line(setting, before + of_site, budget));
        });
        if let Some(Outcome::Ok(measured)) = site.trials.first().map(|trial| &trial.outcome) {
            unchanged = measured.clone();
        }
    }
    bar.finish_and_clear();
    notices.extend(caveats(&command, &unchanged, &found));
    let compared = command.comparable().is_some_and(|comparable| comparable.doubt().is_none());
    let rerun = Some(Rerun { sites: found, compared });
    Tried { rerun, interrupted: enough.signal(), notices, ..Tried::default() }
}

/// What there is to be careful about.
fn caveats(command: &Command, unchanged: &Measurement, found: &[Site]) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(command.comparable().and_then(|comparable| comparable.doubt()).map(|why| doubt(why.to_owned())));
    if let (Some(first), Some(last)) = (unchanged.walls.first(), unchanged.walls.last()) {
        let ratio = last.as_secs_f64() / first.as_secs_f64().max(1e-9);
        if (ratio - 1.0).abs() > DRIFT {
            let changed = format!(
                "the program as it is took {:.0} % as long at the end of the trials as at their start, so the machine \
                 changed meanwhile; speed-ups are less sure than they look",
                ratio * 100.0
            );
            notices.push(doubt(changed));
        }
        if unchanged.per_task() < SHORT {
            let short = format!(
                "the program takes only {}, much of it Python's start and what else the machine does; a longer run would \
                 tell more",
                human(unchanged.per_task())
            );
            notices.push(doubt(short));
        }
    }
    let left_out = found.iter().filter(|site| site.untried.is_none()).count();
    let more = found.iter().filter(|site| !site.library).count().saturating_sub(left_out);
    if more > 0 {
        let which = if more == 1 { "place that builds executors was" } else { "places that build executors were" };
        notices.push(doubt(format!("{more} further {which} not tried; the section above says why")));
    }
    notices
}

fn doubt(doubt: String) -> Notice {
    Notice::RerunDoubt { doubt }
}

/// Why no setting of a site is worth a run; `None` when one may be.
fn unworthy(site: &Site, wall: Duration) -> Option<String> {
    if site.library {
        Some("it is in an installed package, which is not yours to change".to_owned())
    } else if site.tasks == 0 {
        Some("no task was handed to it".to_owned())
    } else if site.busy.as_secs_f64() < wall.as_secs_f64() * WORTH {
        Some(format!(
            "its tasks were under way for {} of a run of {}, so no setting could make the program 5 % faster",
            human(site.busy),
            human(wall)
        ))
    } else {
        None
    }
}

/// What was looked for in vain.
fn vain(found: &[Site], looked_for: &str) -> String {
    let places = match found {
        [] => "it looked for concurrent.futures' executors, multiprocessing's pools, joblib.Parallel, run_in_executor and \
               to_thread"
            .to_owned(),
        _ => format!("none of the {} places that build executors is worth it (each row says why)", found.len()),
    };
    format!("{places}, and for {looked_for}")
}

fn bounds(host: &Host, profile: &Profile) -> Bounds {
    let (cpu, waiting) = (profile.demand.cpu.as_secs_f64(), profile.demand.waiting().as_secs_f64());
    Bounds {
        cpus: host.cpus.usable(),
        waits: waiting > WAITS * (cpu + waiting),
        memory: host.memory.usable().map(|all| (all, profile.memory_per_process)),
    }
}

/// The words of the process to look into, where the first Python of the run need not be it: a launcher went before it, or
/// there were several. The one that did most, with what it forked.
fn meant(observation: &Observation) -> Option<Vec<OsString>> {
    let is_python = |process: &&Process| {
        let name = process.executable.as_ref().and_then(|path| path.file_name());
        name.is_some_and(|name| name.to_string_lossy().starts_with("python"))
    };
    let pythons: Vec<&Process> = observation.processes.iter().filter(is_python).collect();
    let ids: BTreeSet<i32> = pythons.iter().map(|process| process.pid).collect();
    let tops: Vec<&&Process> = pythons.iter().filter(|process| !ids.contains(&process.parent)).collect();
    if tops.len() < 2 && observation.launch.is_none() {
        return None;
    }
    let top_of = |mut pid: i32| {
        // Parents are born before their children, so this ends; bounded all the same.
        for _ in 0..pythons.len() {
            match pythons.iter().find(|process| process.pid == pid) {
                Some(process) if ids.contains(&process.parent) => pid = process.parent,
                _ => break,
            }
        }
        pid
    };
    let work = |top: i32| -> Duration {
        let own = observation.workers.iter().filter(|worker| top_of(worker.pid) == top);
        own.map(|worker| worker.on_cpu + worker.runnable + worker.blocked()).sum()
    };
    let most = tops.into_iter().max_by_key(|process| work(process.pid))?;
    Some(most.argv.clone()).filter(|argv| !argv.is_empty())
}
