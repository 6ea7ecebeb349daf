//! A harness process, in whichever language: asks it one question per run, and reads what its answer means.
//!
//! How it is launched is the caller's to say ([`Launch`]), so that a test can answer in its place.

use super::wire::{Answer, Calibrated, Done, Question, Trial, Trouble};
use super::{Calibration, Launch, Spec};
use crate::notice::Notice;
use crate::observe::{Exit, Mechanism, Observation, Settings, Stdio};
use crate::trial::{Measurement, Outcome};
use crate::units::human;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::ffi::OsString;
use std::time::Duration;

/// Time for a probe or a calibration. Either takes about a second; a loaded machine may need many times that.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far from the CPU time asked for synthetic work may be before a notice is due (issue 2: 10 ms ± 5 %).
const TOLERANCE: f64 = 0.05;
/// How much of a harness's standard error is quoted in a reason.
const QUOTED: usize = 200;

/// One harness and what is known of it.
pub struct Harness {
    argv: Vec<OsString>,
    launch: Launch,
    calibrated: Option<Known>,
    samples: Vec<f64>,
}

#[derive(Clone)]
struct Known {
    calibration: Calibration,
    rates: Value,
}

/// Why a question got no answer that says what was asked for.
pub enum Unanswered {
    /// The harness said why.
    Trouble(Trouble),
    /// It did not.
    Failed(String),
}

impl Unanswered {
    /// As a clause.
    pub fn reason(self) -> String {
        match self {
            Self::Trouble(trouble) if trouble.message.is_empty() => trouble.error,
            Self::Trouble(trouble) if Trouble::SENTENCES.contains(&trouble.error.as_str()) => trouble.message,
            Self::Trouble(trouble) => format!("{}: {}", trouble.error, trouble.message),
            Self::Failed(reason) => reason,
        }
    }
}

impl Harness {
    /// The harness that `argv` runs.
    pub fn new(argv: Vec<OsString>, launch: Launch) -> Self {
        Self { argv, launch, calibrated: None, samples: Vec::new() }
    }

    /// Runs another command from now on: the same harness behind a shorter path.
    pub fn set_program(&mut self, program: OsString) {
        self.argv[0] = program;
    }

    /// Asks what the harness is. Trouble comes back as a clause.
    pub fn probe<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        self.ask(&Question::Probe, PATIENCE).map(|(probed, _)| probed).map_err(Unanswered::reason)
    }

    /// Asks anything else. `watched`: by every means we have, as a target is.
    pub(in crate::trial) fn put<T: DeserializeOwned>(
        &mut self,
        question: &Question,
        timeout: Duration,
        watched: bool,
    ) -> Result<(T, Observation), Unanswered> {
        let without = if watched { Vec::new() } else { without_all_but_memory() };
        self.ask_without(question, timeout, without)
    }

    /// Measured at the first call, known from then on.
    pub fn calibration(&mut self) -> Result<Calibration, String> {
        Ok(self.known()?.calibration)
    }

    /// Runs one setting. All trouble becomes an outcome.
    pub fn run(&mut self, spec: &Spec) -> Outcome {
        let rates = match self.known() {
            Ok(known) => known.rates,
            Err(reason) => return Outcome::Failed(reason),
        };
        self.run_trial(spec, Trial::new(spec, rates))
    }

    /// Runs one setting as the question words it.
    pub(in crate::trial) fn run_trial(&mut self, spec: &Spec, trial: Trial) -> Outcome {
        let of_task = trial.task.is_some();
        match self.ask::<Done>(&Question::Trial(trial), spec.timeout) {
            Ok((done, observation)) => {
                self.samples.extend(done.sample_ratio.filter(|ratio| ratio.is_finite()));
                let measured = measurement(spec, &done, &observation);
                measured.map_or_else(Outcome::Failed, |measured| {
                    Outcome::Ok(if of_task { apart(measured) } else { measured })
                })
            }
            Err(Unanswered::Trouble(trouble)) => match trouble.error.as_str() {
                Trouble::WRONG_RESULT | Trouble::DEADLOCK => Outcome::Unsafe(trouble.message),
                Trouble::NOT_APPLICABLE => Outcome::NotApplicable(trouble.message),
                _ => Outcome::Failed(Unanswered::Trouble(trouble).reason()),
            },
            Err(unanswered) => Outcome::Failed(unanswered.reason()),
        }
    }

    /// Caveats about the synthetic work: off at calibration, or off since, by the median of the trials' own samples.
    pub fn notices(&self) -> Vec<Notice> {
        let calibrated = self.calibrated.as_ref().map(|known| known.calibration.ratio());
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        let since = samples.get(samples.len() / 2).copied();
        let farthest = calibrated.into_iter().chain(since).max_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()));
        farthest
            .filter(|ratio| (ratio - 1.0).abs() > TOLERANCE)
            .map(|ratio| Notice::CalibrationOff { ratio })
            .into_iter()
            .collect()
    }

    fn known(&mut self) -> Result<Known, String> {
        if let Some(known) = &self.calibrated {
            return Ok(known.clone());
        }
        let (answer, _) = self
            .ask::<Calibrated>(&Question::Calibrate, PATIENCE)
            .map_err(|unanswered| format!("could not calibrate the synthetic work: {}", unanswered.reason()))?;
        let known = Known {
            calibration: Calibration {
                held_ratio: answer.held_ratio,
                released_ratio: answer.released_ratio,
                sleep_overhead: seconds(answer.sleep_overhead_s).unwrap_or_default(),
            },
            rates: answer.rates,
        };
        self.calibrated = Some(known.clone());
        Ok(known)
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        question: &Question,
        timeout: Duration,
    ) -> Result<(T, Observation), Unanswered> {
        self.ask_without(question, timeout, without_all_but_memory())
    }

    fn ask_without<T: DeserializeOwned>(
        &mut self,
        question: &Question,
        timeout: Duration,
        without: Vec<Mechanism>,
    ) -> Result<(T, Observation), Unanswered> {
        let input = serde_json::to_vec(question).map_err(|error| Unanswered::Failed(error.to_string()))?;
        let settings =
            Settings { stdio: Stdio::Capture { input }, timeout: Some(timeout), without, ..Settings::default() };
        let observation =
            (self.launch)(&self.argv, &settings).map_err(|error| Unanswered::Failed(error.to_string()))?;
        if let Some(reason) = ended_badly(&observation, timeout) {
            return Err(Unanswered::Failed(reason));
        }
        match answer(&observation) {
            Some(Answer::Done(done)) => Ok((done, observation)),
            Some(Answer::Trouble(trouble)) => Err(Unanswered::Trouble(trouble)),
            None => Err(Unanswered::Failed(format!(
                "the harness ended without an answer that could be read{}",
                last_words(&observation)
            ))),
        }
    }
}

/// A trial says itself how long it took; from outside only its CPU time and its memory are wanted.
fn without_all_but_memory() -> Vec<Mechanism> {
    Mechanism::ALL.into_iter().filter(|means| *means != Mechanism::Memory).collect()
}

/// Why a run's answer is not to be trusted, if so.
fn ended_badly(observation: &Observation, timeout: Duration) -> Option<String> {
    if let Some(signal) = observation.interrupted {
        return Some(format!("signal {signal} stopped it"));
    }
    match observation.exit {
        Some(Exit::Code(0)) => None,
        _ if observation.wall >= timeout => {
            Some(format!("did not finish within {}, so it was stopped", human(timeout)))
        }
        Some(Exit::Code(code)) => Some(format!("the harness ended with status {code}{}", last_words(observation))),
        Some(Exit::Signal(9)) => {
            Some("the harness was killed by signal 9; the machine or its cgroup may have run out of memory".to_owned())
        }
        Some(Exit::Signal(signal)) => {
            Some(format!("the harness was killed by signal {signal}{}", last_words(observation)))
        }
        None => Some("the harness was stopped before its end".to_owned()),
    }
}

/// The last line of standard output, when it is an answer.
fn answer<T: DeserializeOwned>(observation: &Observation) -> Option<Answer<T>> {
    let stdout = &observation.output.as_ref()?.stdout;
    let line = stdout.split(|byte| *byte == b'\n').rfind(|line| !line.trim_ascii().is_empty())?;
    serde_json::from_slice(line).ok()
}

/// `: ` and the last line of standard error, shortened; empty when there is none.
fn last_words(observation: &Observation) -> String {
    let stderr = observation.output.as_ref().map(|output| String::from_utf8_lossy(&output.stderr));
    let line = stderr.as_deref().and_then(|text| text.lines().rfind(|line| !line.trim().is_empty()));
    line.map(|line| format!(": {}", line.trim().chars().take(QUOTED).collect::<String>())).unwrap_or_default()
}

fn measurement(spec: &Spec, done: &Done, observation: &Observation) -> Result<Measurement, String> {
    let walls: Option<Vec<Duration>> = done.walls_s.iter().map(|wall| seconds(*wall)).collect();
    let times = walls.zip(seconds(done.start_s)).filter(|(walls, _)| walls.len() == spec.repeats.max(1));
    let (walls, start) = times.ok_or("the harness answered with times that cannot be")?;
    Ok(Measurement {
        tasks: spec.tasks.max(1),
        start,
        walls,
        cold: Vec::new(),
        dispatch: done.dispatch_s.and_then(seconds),
        cpu: observation.totals.cpu(),
        peak_memory: observation.peak_memory,
    })
}

/// With the first repeat, on workers that never ran a task, apart from the others.
fn apart(mut measured: Measurement) -> Measurement {
    let others = measured.walls.split_off(1.min(measured.walls.len()));
    Measurement { cold: measured.walls, walls: others, ..measured }
}

/// `None` for what is no duration: negative, infinite, not a number.
fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Output, Totals};
    use crate::trial::model::Setting;
    use crate::trial::twin::TaskDemand;
    use crate::units::Bytes;

    const CALIBRATED: &str = r#"{"held_ratio": 1.01, "released_ratio": 0.98, "sleep_overhead_s": 6e-5, "rates": {}}"#;
    const DONE: &str = r#"{"start_s": 0.5, "walls_s": [1.0, 2.0], "dispatch_s": 1e-5, "pickled_bytes": null,
                           "sample_ratio": 1.0}"#;

    fn said(stdout: &str) -> Observation {
        let output = Output { stdout: stdout.replace('\n', " ").into_bytes(), stderr: Vec::new() };
        Observation { exit: Some(Exit::Code(0)), output: Some(output), ..Observation::default() }
    }

    /// A harness that calibrates well and whose trial is `run`.
    fn harness(run: Observation) -> Harness {
        let launch: Launch = Box::new(move |_, settings| match &settings.stdio {
            Stdio::Capture { input } if input.windows(9).any(|bytes| bytes == b"calibrate") => Ok(said(CALIBRATED)),
            _ => Ok(run.clone()),
        });
        Harness::new(vec!["harness".into()], launch)
    }

    fn spec() -> Spec {
        Spec {
            setting: Setting::SEQUENTIAL,
            task: TaskDemand::default(),
            tasks: 10,
            repeats: 2,
            timeout: Duration::from_secs(5),
        }
    }

    fn check(run: Observation, expected: &Outcome) {
        assert_eq!(harness(run).run(&spec()), *expected);
    }

    fn failed(reason: &str) -> Outcome {
        Outcome::Failed(reason.to_owned())
    }

    #[test]
    fn a_trial_takes_its_times_from_the_harness_and_its_costs_from_the_observer() {
        let totals = Totals { user: Duration::from_secs(2), system: Duration::from_secs(1), ..Totals::default() };
        let run = Observation { totals, peak_memory: Bytes(77), ..said(DONE) };
        let expected = Measurement {
            tasks: 10,
            cold: Vec::new(),
            start: Duration::from_millis(500),
            walls: vec![Duration::from_secs(1), Duration::from_secs(2)],
            dispatch: Some(Duration::from_micros(10)),
            cpu: Duration::from_secs(3),
            peak_memory: Bytes(77),
        };
        check(run, &Outcome::Ok(expected));
    }

    #[test]
    fn only_the_last_line_is_the_answer() {
        let noisy = format!("hello\n{{\"error\": \"x\"}}\n\n{}\n \n", DONE.replace('\n', " "));
        let output = Output { stdout: noisy.into_bytes(), stderr: b"and a warning".to_vec() };
        let run = Observation { output: Some(output), ..said("") };
        assert!(matches!(harness(run).run(&spec()), Outcome::Ok(_)));
    }

    #[test]
    fn what_the_harness_says_went_wrong_becomes_the_outcome() {
        let says = |error: &str| said(&format!(r#"{{"error": "{error}", "message": "so it is"}}"#));
        check(says("not-applicable"), &Outcome::NotApplicable("so it is".to_owned()));
        check(says("wrong-result"), &Outcome::Unsafe("so it is".to_owned()));
        check(says("MemoryError"), &failed("MemoryError: so it is"));
        check(said(r#"{"error": "MemoryError", "message": ""}"#), &failed("MemoryError"));
    }

    #[test]
    fn a_harness_that_ends_badly_has_failed_whatever_it_printed() {
        let ends = |exit: Option<Exit>| Observation { exit, ..said(DONE) };
        check(ends(Some(Exit::Code(3))), &failed("the harness ended with status 3"));
        check(ends(Some(Exit::Signal(11))), &failed("the harness was killed by signal 11"));
        check(ends(None), &failed("the harness was stopped before its end"));
        check(Observation { interrupted: Some(2), ..ends(None) }, &failed("signal 2 stopped it"));
        let late = Observation { wall: spec().timeout, ..ends(Some(Exit::Signal(9))) };
        check(late, &failed("did not finish within 5.00 s, so it was stopped"));
        let out_of_memory = harness(ends(Some(Exit::Signal(9)))).run(&spec());
        assert!(matches!(&out_of_memory, Outcome::Failed(reason) if reason.contains("out of memory")));
        let output = Output { stdout: Vec::new(), stderr: b"Traceback:\nImportError: no hashlib\n\n".to_vec() };
        let traceback = Observation { output: Some(output), ..ends(Some(Exit::Code(1))) };
        check(traceback, &failed("the harness ended with status 1: ImportError: no hashlib"));
    }

    #[test]
    fn an_answer_that_cannot_be_true_is_no_measurement() {
        let unread = failed("the harness ended without an answer that could be read");
        for stdout in ["", "no json", "[1]", r#"{"start_s": 1}"#] {
            check(said(stdout), &unread);
        }
        check(Observation { output: None, ..said("") }, &unread);
        let untrue = failed("the harness answered with times that cannot be");
        check(said(&DONE.replace("[1.0, 2.0]", "[1.0]")), &untrue);
        check(said(&DONE.replace("2.0", "-2.0")), &untrue);
        check(said(&DONE.replace("0.5", "1e300")), &untrue);
    }

    #[test]
    fn work_that_costs_more_than_asked_is_noticed() {
        let mut steady = harness(said(DONE));
        steady.run(&spec());
        assert_eq!(steady.notices(), []);
        let mut drifted = harness(said(&DONE.replace("\"sample_ratio\": 1.0", "\"sample_ratio\": 1.3")));
        drifted.run(&spec());
        assert_eq!(drifted.notices(), [Notice::CalibrationOff { ratio: 1.3 }]);
    }

    #[test]
    fn a_harness_that_cannot_calibrate_runs_no_trial() {
        let mut broken = Harness::new(vec!["harness".into()], Box::new(|_, _| Ok(said("gibberish"))));
        let reason = "could not calibrate the synthetic work: \
                      the harness ended without an answer that could be read";
        assert_eq!(broken.run(&spec()), failed(reason));
        assert_eq!(broken.calibration(), Err(reason.to_owned()));
    }
}
