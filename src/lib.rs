//! How should this program run its work concurrently? The architecture, in prose.
//!
//! # What happens
//!
//! `concadvise -- CMD` runs CMD once, watches every worker of its tree, works out what the work demands, really runs
//! a workload of that shape under each executor model, walks a decision tree kept as data, and recommends a model and
//! a worker count with a reason for each step. With `--task` a function of the user's stands in the place of that workload,
//! with `--rerun` the command itself; `check` stops after `source`. The data flows one way:
//!
//! ```text
//! target → source → observe → profile → classify → trial → rules → recommendation → report → gate
//! ```
//!
//! Each stage is a module whose own `//!` says what it is for and what it leaves to whom. `units`, `notice`,
//! `reading`, `host` and `sys` are base: any stage may use them, they use no stage.
//!
//! # Invariants
//!
//! Each is held by a test in `tests/tidy.rs`.
//!
//! 1. A stage imports only stages to its left; base modules import no stage; only `run.rs` and the command line name
//!    them all.
//! 2. `profile`, `classify`, `rules`, `recommendation`, `gate`, `trial::{model, twin, plan, scaling, curve}` and
//!    `trial::rerun::{search, output}` are pure: no file system, process, environment, clock, or printing.
//!    (`rules::load` is the edge that reads rule files.)
//! 3. Only `sys` holds `unsafe`, each block with its `SAFETY` comment.
//! 4. Only `report`, `run.rs` and `main.rs` print. Stages return notices; progress goes through a callback.
//! 5. A type lives in the stage that produces it. There is no `types.rs`, `common.rs`, `utils.rs`.
//! 6. Wire formats stay at the edges (recordings, rule files, harness messages, report formats, and of `gate` the
//!    baseline and configuration in `gate::wire` and verdicts in `gate::show`); core types derive no
//!    serde. JSON Schemas are made where the format is: from `report::schema`, `source::catalogue`, and the `shape` of
//!    `rules` and of `gate::wire`.
//!
//! # What is never done
//!
//! The target's standard streams, environment, signals, terminal and exit status are its own. User code runs once
//! unless the user asked for more. Missing evidence is `None` and said in a notice; it never reads as zero.

pub mod classify;
pub mod cli;
pub mod exit;
pub mod gate;
pub mod host;
pub mod notice;
pub mod observe;
pub mod profile;
pub mod reading;
pub mod recommendation;
pub mod report;
pub mod rules;
pub mod run;
pub mod source;
pub mod sys;
pub mod target;
pub mod trial;
pub mod units;
