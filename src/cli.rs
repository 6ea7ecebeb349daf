//! The command line: what was typed, as values. Nothing is resolved against the world here; that is `run`'s.
//!
//! Only commands that work are listed. Everything after `--` is the target's and is taken as bytes.

use crate::exit::{OURS, USAGE};
use crate::gate::policy::Policy;
use crate::gate::show::Format as GateFormat;
use crate::observe::Mechanism;
use crate::trial::task::Asked;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  concadvise -- python3 crawl.py        watch it once, try every model, advise
  concadvise --no-trials -- ./server    watch it only
  concadvise --rerun -- python3 app.py  try its own executors in the whole program
  concadvise --task app.py:fetch --items 'range(200)'    try a function of your own
  concadvise attach 4711 --duration 1m  watch what runs already
  concadvise check src                  findings in Python source, nothing is run
  concadvise gate concadvise.toml       did this change of the code change the advice?
  concadvise report concadvise.toml     show a report again
  concadvise doctor                     what can be measured here
  concadvise rules list                 the decision tree";

/// How should this program run its work concurrently? Watches one run of it, really tries every executor model on a
/// workload of that shape, and recommends one, with a reason for every step.
#[derive(Debug, Parser)]
#[command(name = "concadvise", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(override_usage = "concadvise [OPTIONS] -- COMMAND...\n       \
                      concadvise [OPTIONS] --task FUNCTION --items ITEMS\n       concadvise <advise|attach|check|gate|report|rules|doctor|...>")]
pub struct Cli {
    /// What to do; the main job when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the main job.
    #[command(flatten)]
    pub advise: Advise,
}

/// Everything but the main job without its name.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch one run of a command and advise (the default)
    Advise(Advise),
    /// Watch what runs already, without disturbing it, and advise
    Attach(Attach),
    /// Show a report again
    Report(Report),
    /// Look for what goes wrong with pools, threads, processes and coroutines in Python source, without running it
    Check(Check),
    /// Say whether a change of the code changed the advice, beside the committed baseline
    Gate(Gate),
    /// Tell what this machine and these rights let be measured, and how to get the rest
    Doctor(Doctor),
    /// Look at the decision tree
    #[command(subcommand)]
    Rules(Rules),
    /// Explain one rule or finding: what it asks or means, and why
    Explain {
        /// The rule's id or the finding's code, as the report names it
        id: String,
    },
    /// Print the JSON Schema of a file that concadvise reads or writes, for editors and scripts
    Schema {
        /// The file that it describes
        file: Described,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// The main job.
#[derive(Debug, Args)]
pub struct Advise {
    /// How it is done.
    #[command(flatten)]
    pub options: Options,
    /// Run the command again and again, looked into: each place that builds executors is tried with others and what it
    /// prints compared; where it builds none, the function that it calls for each item is tried itself (Python only; its
    /// input is empty then)
    #[arg(long, requires = "argv", conflicts_with_all = ["task", "no_trials"])]
    pub rerun: bool,
    /// A function instead of a command.
    #[command(flatten)]
    pub task: Task,
    /// The command to watch, and its own options; never goes through a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub argv: Vec<OsString>,
}

/// A function of the user's, to be tried itself under every model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trying a function of your own instead of watching a command")]
pub struct Task {
    /// The function: FILE.py:function or package.module:function, sync or async; it takes one item
    #[arg(long, value_name = "FUNCTION", requires = "items", conflicts_with = "argv")]
    pub task: Option<String>,
    /// Its items: a Python expression like 'range(200)' worked out in that module, a file with one item per line
    /// (.jsonl: JSON), @FILE, or module:ITEMS
    #[arg(long, value_name = "ITEMS", requires = "task", allow_hyphen_values = true)]
    pub items: Option<String>,
    /// The function's async form, so that both are compared
    #[arg(long, value_name = "FUNCTION", requires = "task")]
    pub async_task: Option<String>,
    /// Called once in each process that runs tasks, before the first
    #[arg(long, value_name = "FUNCTION", requires = "task")]
    pub setup: Option<String>,
    /// Called once in each process that runs tasks, after the last
    #[arg(long, value_name = "FUNCTION", requires = "task")]
    pub teardown: Option<String>,
    /// The interpreter [default: the python3 on PATH]
    #[arg(long, value_name = "PATH", requires = "task")]
    pub python: Option<PathBuf>,
    /// Do not compare results with those of one task after another: they are known to differ
    #[arg(long, requires = "task")]
    pub results_ignore: bool,
}

impl Task {
    /// What was named, when a function was.
    pub fn asked(&self) -> Option<Asked> {
        let (Some(function), Some(items)) = (&self.task, &self.items) else { return None };
        Some(Asked {
            recorded: None,
            function: function.clone(),
            items: items.clone(),
            async_function: self.async_task.clone(),
            setup: self.setup.clone(),
            teardown: self.teardown.clone(),
            ignore_results: self.results_ignore,
        })
    }
}

/// The main job for what runs already.
#[derive(Debug, Args)]
pub struct Attach {
    /// The process to watch, with all that is below it
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: i32,
    /// How long to watch it, as seconds or like 30s or 2m; it may end before, and Ctrl-C lets it go
    #[arg(short, long, value_name = "TIME", value_parser = watching, default_value = "30s")]
    pub duration: Duration,
    /// How it is done.
    #[command(flatten)]
    pub options: Options,
}

/// Checking source.
#[derive(Debug, Default, Args)]
pub struct Check {
    /// Files and folders; the current folder when none is named
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to show findings
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Also write them to a file in another format, as sarif=findings.sarif; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", value_parser = check_output)]
    pub output: Vec<(CheckFormat, PathBuf)>,
    /// Look for these only: codes, their beginnings, or ALL
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not look for these
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Change files so that findings go, where that changes nothing else that the program does
    #[arg(long)]
    pub fix: bool,
    /// Also where it changes what the program does; look at --diff first
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// Print what --fix or --unsafe-fixes would change, and change nothing; the status is 1 when it would
    #[arg(long)]
    pub diff: bool,
    /// Take [tool.concadvise.check] from this file instead of the nearest pyproject.toml
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub config: Option<PathBuf>,
    /// Take no configuration from any file
    #[arg(long)]
    pub isolated: bool,
}

/// How findings are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// With lines of source, for people
    #[default]
    Text,
    /// One document, for programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
    /// GitLab's Code Quality report
    Gitlab,
    /// XML of JUnit, as results of tests
    Junit,
}

/// Comparing with a baseline.
#[derive(Debug, Args)]
pub struct Gate {
    /// Reports of runs of now, as FILE or NAME=FILE; two of one target must say the same. Without any, and without a
    /// command, the configured targets are run
    #[arg(value_name = "REPORT")]
    pub reports: Vec<OsString>,
    /// The baseline [default: concadvise.baseline.toml]
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Accept what is now: write it into the baseline, after telling all that this changes
    #[arg(long)]
    pub update: bool,
    /// Accept also inconclusive evidence, and also where CI is set
    #[arg(long, requires = "update")]
    pub force: bool,
    /// Tell what --update would change, and change nothing
    #[arg(long, conflicts_with = "update")]
    pub diff: bool,
    /// Compare with this commit instead of a baseline: it and HEAD are checked out into folders of their own, and the
    /// targets run in both, in turn, on this machine
    #[arg(long, value_name = "REV", conflicts_with_all = ["reports", "update", "diff", "baseline"])]
    pub paired: Option<String>,
    /// What makes the program, run by sh -c in both of these folders first
    #[arg(long, value_name = "CMD", requires = "paired")]
    pub build: Option<OsString>,
    /// How often each side of --paired is run
    #[arg(long, value_name = "N", requires = "paired", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=50))]
    pub pairs: u32,
    /// How often a target is run at most, while a run cannot tell or is to be confirmed
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=50))]
    pub runs: u32,
    /// Show annotations of format github on lines changed since this commit first [default: the pull request's, where
    /// GITHUB_BASE_REF is set]
    #[arg(long, value_name = "REV", conflicts_with_all = ["paired", "update", "diff"])]
    pub base: Option<String>,
    /// The target's name in the baseline
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How to show verdicts: human, markdown, github, json, junit, sarif
    #[arg(long, value_name = "FORMAT", value_parser = gate_format, default_value = "human")]
    pub format: GateFormat,
    /// Also write them to a file in a format, as in --output junit=gate.xml; can be given several times
    #[arg(short, long, value_name = "FORMAT=PATH", value_parser = gate_output)]
    pub output: Vec<(GateFormat, PathBuf)>,
    /// What a changed answer does [default: fail]
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    pub policy: Option<Policy>,
    /// End with status 3 when a target could not be told or compared
    #[arg(long)]
    pub fail_on_inconclusive: bool,
    /// A folder with rules that add to or replace the built-in ones
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Names targets and thresholds [default: concadvise.config.toml, or [tool.concadvise] of pyproject.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Time for the trials of each target that is run
    #[arg(long, value_name = "TIME", value_parser = budget)]
    pub budget: Option<Duration>,
    /// A command to run instead of reading reports
    #[arg(last = true, value_name = "COMMAND")]
    pub argv: Vec<OsString>,
}

/// Telling what can be measured.
#[derive(Debug, Args)]
pub struct Doctor {
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Options of the main job, whether its target is started or runs already.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the report goes; - for standard output, and the table then to standard error only
    #[arg(short, long, value_name = "PATH", default_value = "concadvise.toml")]
    pub output: PathBuf,
    /// Time for the trials, as seconds or like 10s or 2m [default: 10s, or twice the run when that is longer; 20s or more with --task]
    #[arg(long, value_name = "TIME", value_parser = budget)]
    pub budget: Option<Duration>,
    /// A folder with rules that add to or replace the built-in ones
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// A Dask scheduler that runs already: what it has is tried too, as the model cluster
    #[arg(long, value_name = "tcp://HOST:PORT", value_parser = scheduler)]
    pub cluster: Option<String>,
    /// Watch only; try no executor model
    #[arg(long)]
    pub no_trials: bool,
    /// Write the report and print no table
    #[arg(short, long)]
    pub quiet: bool,
    /// Also write everything that was measured, to be judged again later
    #[arg(long, value_name = "FILE", hide = true)]
    pub record: Option<PathBuf>,
    /// Do not look at these, to compare what looking costs
    #[arg(long, value_name = "MECHANISM", value_delimiter = ',', value_parser = mechanism, hide = true)]
    pub without: Vec<Mechanism>,
}

/// Showing a report again.
#[derive(Debug, Args)]
pub struct Report {
    /// The report
    pub file: PathBuf,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The page that the main job prints
    Table,
    /// The file, written anew
    Toml,
}

/// A file that has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// What the main job writes: concadvise.toml
    Report,
    /// What the gate compares with: concadvise.baseline.toml
    Baseline,
    /// What a project wants: concadvise.config.toml, or [tool.concadvise] of pyproject.toml
    Config,
    /// Rules of your own, in the folder of --rules
    Rules,
    /// What concadvise knows of findings: rules/findings of its own source
    Findings,
}

/// Looking at the decision tree.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Every rule, in the order in which they are asked
    List {
        /// A folder with rules that add to or replace the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
    },
    /// One rule
    Show {
        /// Its id
        id: String,
        /// A folder with rules that add to or replace the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
    },
    /// Say whether the rule files in a folder are sound
    Check {
        /// The folder
        dir: PathBuf,
    },
}

/// A command line that makes no sense, or asks for help.
#[derive(Debug)]
pub struct Refusal {
    /// What to print.
    pub text: String,
    /// Whether it was asked for, and so belongs on standard output.
    pub asked_for: bool,
    /// The exit status.
    pub status: u8,
}

/// Reads a command line, the program's own name first.
///
/// # Errors
/// A sentence that says what to type instead; or the help that was asked for.
pub fn parse(words: Vec<OsString>) -> Result<Cli, Refusal> {
    let own = words.iter().skip(1).take_while(|word| *word != "--").cloned().collect::<Vec<_>>();
    let main_job = !own.iter().any(|word| {
        ["attach", "check", "gate", "report", "doctor", "rules", "explain", "schema", "completions", "man"]
            .iter()
            .any(|command| word == command)
    });
    let refuse = |text| Refusal { text, asked_for: false, status: if main_job { OURS } else { USAGE } };
    let dashes = words.iter().any(|word| word == "--");
    let cli = Cli::try_parse_from(words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Refusal { text: error.render().to_string(), asked_for: true, status: 0 }
        }
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument if main_job && !dashes => {
            let first = own.iter().position(|word| !word.as_encoded_bytes().starts_with(b"-"));
            match first {
                Some(at) => refuse(put_dashes_before(&own, at)),
                None => refuse(error.render().to_string()),
            }
        }
        _ => refuse(error.render().to_string()),
    })?;
    let advise = match &cli.command {
        None => &cli.advise,
        Some(Command::Advise(advise)) => advise,
        Some(_) => return Ok(cli),
    };
    if advise.task.items.is_some() && advise.task.task.is_none() {
        return Err(refuse("--items are for a function of your own; name it with --task, and no command".into()));
    }
    match advise.argv.first() {
        None if advise.task.asked().is_some() => Ok(cli),
        None => {
            Err(refuse("there is no command to watch; put it after --, as in: concadvise -- python3 app.py".into()))
        }
        Some(_) => Ok(cli),
    }
}

fn put_dashes_before(own: &[OsString], at: usize) -> String {
    let shown = |words: &[OsString]| words.iter().map(|word| crate::report::escape::word(word)).collect::<Vec<_>>();
    let (ours, theirs) = (shown(&own[..at]), shown(&own[at..]));
    let words = ["concadvise"].into_iter().chain(ours.iter().map(String::as_str)).chain(["--"]);
    let line = crate::report::escape::command(words.chain(theirs.iter().map(String::as_str)));
    format!("{} is no word of ours; to watch it run, put -- before the command: {line}", theirs[0])
}

fn gate_format(text: &str) -> Result<GateFormat, String> {
    let known = GateFormat::ALL.map(GateFormat::name).join(", ");
    GateFormat::from_name(text).ok_or_else(|| format!("write one of {known}"))
}

fn gate_output(text: &str) -> Result<(GateFormat, PathBuf), String> {
    match text.split_once('=') {
        Some((format, path)) if !path.is_empty() => Ok((gate_format(format)?, path.into())),
        _ => Err("write FORMAT=PATH, as in junit=gate.xml".to_owned()),
    }
}

fn policy(text: &str) -> Result<Policy, String> {
    let known = Policy::ALL.map(Policy::name).join(", ");
    Policy::from_name(text).ok_or_else(|| format!("write one of {known}"))
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    let known = Mechanism::ALL.map(Mechanism::name).join(", ");
    Mechanism::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| format!("write some of {known}"))
}

/// `tcp://HOST:PORT` or `tls://…`; what it is goes into code to paste, so it holds nothing but an address.
fn scheduler(text: &str) -> Result<String, String> {
    let place = text.strip_prefix("tcp://").or_else(|| text.strip_prefix("tls://"));
    let parts = place.and_then(|place| place.rsplit_once(':'));
    let plain =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    match parts {
        Some((host, port)) if plain(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(text.to_owned()),
        _ => Err("write the address that dask scheduler prints, as tcp://HOST:8786".to_owned()),
    }
}

fn check_output(text: &str) -> Result<(CheckFormat, PathBuf), String> {
    let known = || CheckFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let names = || known().map(|one| one.get_name().to_owned()).collect::<Vec<_>>().join(", ");
    let (format, path) = text.split_once('=').ok_or("write a format and a path, as sarif=findings.sarif")?;
    let format = CheckFormat::from_str(format, false).map_err(|_| format!("the format must be one of {}", names()))?;
    if path.is_empty() { Err("name a file after =".to_owned()) } else { Ok((format, PathBuf::from(path))) }
}

fn budget(text: &str) -> Result<Duration, String> {
    time(text, "no trial fits in no time; to try nothing, use --no-trials")
}

fn watching(text: &str) -> Result<Duration, String> {
    time(text, "nothing is seen in no time; 30s shows most servers under load")
}

/// `10`, `10s`, `2m`, `500ms`, `1h`; `none` is what is wrong with no time at all.
fn time(text: &str, none: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{unit} is no unit of time; write seconds, or a number with ms, s, m or h")),
    };
    let seconds = number.parse::<f64>().map_err(|_| "write seconds, or a time like 10s or 2m".to_owned())? * unit;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time.is_zero() => Err(none.to_owned()),
        Ok(time) if time <= Duration::from_secs(7 * 24 * 3600) => Ok(time),
        _ => Err("that is more than a week".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_after_the_dashes_is_the_targets() -> Result<(), String> {
        for (line, argv) in [
            ("concadvise -- ls -l", "ls -l"),
            ("concadvise --quiet -- report x", "report x"),
            ("concadvise advise -- advise", "advise"),
            ("concadvise -- prog --help -- --version", "prog --help -- --version"),
            ("concadvise -- --odd", "--odd"),
        ] {
            let cli = parse(words(line)).map_err(|refusal| format!("{line}: {}", refusal.text))?;
            let advise = match cli.command {
                Some(Command::Advise(advise)) => advise,
                None => cli.advise,
                Some(other) => return Err(format!("{line} is no {other:?}")),
            };
            assert_eq!(advise.argv, words(argv), "{line}");
        }
        Ok(())
    }

    #[test]
    fn a_line_that_makes_no_sense_is_told_what_to_type_instead() {
        for (line, sentence, status) in [
            ("concadvise", "concadvise -- python3 app.py", OURS),
            ("concadvise --", "there is no command to watch", OURS),
            ("concadvise advise --", "there is no command to watch", OURS),
            ("concadvise ./prog --its x", "concadvise -- ./prog --its x", OURS),
            ("concadvise --quiet prog", "concadvise --quiet -- prog", OURS),
            ("concadvise --bugdet 3 -- prog", "--budget", OURS),
            ("concadvise --budget 0 -- prog", "--no-trials", OURS),
            ("concadvise --task app.py:f", "--items", OURS),
            ("concadvise --items x -- prog", "--task", OURS),
            ("concadvise --task app.py:f --items x -- prog", "cannot be used with", OURS),
            ("concadvise --rerun", "COMMAND", OURS),
            ("concadvise --rerun --no-trials -- prog", "cannot be used with", OURS),
            ("concadvise --rerun --task app.py:f --items x", "cannot be used with", OURS),
            ("concadvise --budget 5parsecs -- prog", "no unit of time", OURS),
            ("concadvise --cluster host:8786 -- prog", "tcp://HOST:8786", OURS),
            ("concadvise --cluster tcp://host -- prog", "tcp://HOST:8786", OURS),
            ("concadvise report", "FILE", USAGE),
            ("concadvise report x --format pdf", "table", USAGE),
            ("concadvise rules lst", "list", USAGE),
            ("concadvise schema", "FILE", USAGE),
            ("concadvise schema repport", "report", USAGE),
            ("concadvise gate --policy maybe", "fail, warn, off", USAGE),
            ("concadvise gate --force", "--update", USAGE),
            ("concadvise attach", "PID", USAGE),
            ("concadvise attach 0", "0 is not in 1..", USAGE),
            ("concadvise attach x", "invalid digit", USAGE),
            ("concadvise attach 1 --duration 0", "nothing is seen in no time", USAGE),
            ("concadvise doctor x", "unexpected argument", USAGE),
        ] {
            let refusal = parse(words(line)).expect_err(line);
            assert!(refusal.text.contains(sentence) && !refusal.asked_for, "{line}: {}", refusal.text);
            assert_eq!(refusal.status, status, "{line}");
        }
    }

    #[test]
    fn help_that_was_asked_for_is_no_error_and_lists_only_what_works() {
        let refusal = parse(words("concadvise --help")).expect_err("help");
        assert!(refusal.asked_for && refusal.status == 0);
        for now in ["attach", "check", "doctor", "gate", "schema"] {
            assert!(refusal.text.contains(now), "{now} is missing in\n{}", refusal.text);
        }
        for later in ["predict", "--record", crate::trial::native::HIDDEN_WORD] {
            assert!(!refusal.text.contains(later), "{later} in\n{}", refusal.text);
        }
    }

    #[test]
    fn a_budget_is_seconds_or_has_a_unit() {
        for (text, ms) in [("10", 10_000), ("1.5", 1500), ("10s", 10_000), ("2m", 120_000), ("250ms", 250)] {
            assert_eq!(budget(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "-3", "1e9h", "9999h", "nan", "1.2.3"] {
            assert!(budget(text).is_err(), "{text}");
        }
    }
}
