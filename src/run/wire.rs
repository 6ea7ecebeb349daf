//! Stands in for stages that are being written at the same time. Each function says which calls take its place.
// lead: wire at merge: this whole file goes.

use crate::classify::Classification;
use crate::profile::Profile;
use crate::recommendation::Recommendation;
use crate::report::recording::{Recording, Tried};
use crate::trial::model::Setting;
use crate::units::Share;
use std::path::Path;
use std::time::Duration;

/// Stands in for `crate::rules::Rules`.
#[derive(Debug)]
pub struct Rules;

impl Rules {
    /// `Rules::embedded()`.
    pub fn embedded() -> Self {
        Self
    }
}

/// `Rules::embedded()`, `Rules::load(dir)`.
pub fn rules(dir: Option<&Path>) -> Result<Rules, String> {
    let files = dir.map(std::fs::read_dir).transpose().map_err(|why| why.to_string())?.into_iter().flatten();
    for path in files.filter_map(|entry| Some(entry.ok()?.path())) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.parse::<::toml::Table>().map_err(|why| format!("{}: {why}", path.display()))?;
    }
    Ok(Rules)
}

/// `Rules::iter()`.
pub fn list(_: &Rules) -> String {
    String::new()
}

/// `Rules::iter()`.
pub fn show(_: &Rules, id: &str) -> Result<String, String> {
    Err(format!("there is no rule {id}"))
}

/// `Facts::of(..)`, `rules.decide(&facts)`, `recommend(..)`; the first list is `Decision::undecided`.
pub fn decide(_: &Recording, _: &Profile, _: &Classification, _: &Rules) -> (Vec<(String, String)>, Recommendation) {
    let recommendation = Recommendation {
        setting: Setting::SEQUENTIAL,
        policy: "1".into(),
        evidence: None,
        speedup: None,
        memory: None,
        confidence: Share::ZERO,
        reason: "No rule was asked.".into(),
        path: Vec::new(),
        flips: Vec::new(),
        doubts: Vec::new(),
        advice: Vec::new(),
        snippet: String::new(),
        alternatives: Vec::new(),
    };
    (Vec::new(), recommendation)
}

/// `Runner::for_runtime`, `Race::new`, `race`.
pub fn race(_: &Recording, _: &Profile, _: Option<Duration>, _: bool) -> Tried {
    Tried::default()
}
