//! One setting of one model, run: what is asked for. Runs nothing yet.

use super::model::Setting;
use super::twin::TaskDemand;
use std::time::Duration;

/// One run that the race asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The model and its workers.
    pub setting: Setting,
    /// What one task demands.
    pub task: TaskDemand,
    /// Tasks in each repeat.
    pub tasks: u64,
    /// Times the tasks are run by the same workers.
    pub repeats: usize,
    /// Ended when it takes longer.
    pub timeout: Duration,
}
