//! The section of the page that says what was tried, what came of it, and how the advised model scales.

use super::{Page, plain_table, time};
use crate::report::escape::text;
use crate::report::schema::{Curve, Document, Trial};
use crate::units::Bytes;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Row, Width};
use std::cmp::Ordering;

impl Page {
    /// The best setting of each model, fastest first; then the models that did not run, with the reason.
    pub(super) fn trials(&mut self, document: &Document) {
        // Where no model ran there is one reason for all, and it is among the notices.
        if about(document).all(|trial| trial.outcome != "ok" && trial.outcome != "failed") {
            return;
        }
        self.heading(match about(document).next().map(|trial| trial.evidence.as_str()) {
            Some("task") => "Trials of your function",
            Some("program") => "Trials of the whole program with that place changed",
            _ => "Trials of a synthetic workload with the same demands",
        });
        let (ran, not_ran) = best_of_each_model(document);
        let mut table = plain_table();
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        if !ran.is_empty() {
            table.set_header(Row::from(vec![
                Cell::new(""),
                Cell::new("model"),
                right("workers".into()),
                right("time".into()),
                right("speed-up".into()),
                right("memory".into()),
            ]));
        }
        for trial in &ran {
            let optional = |value: Option<String>| right(value.unwrap_or_else(|| "?".to_owned()));
            table.add_row(Row::from(vec![
                Cell::new(if chosen(document, trial) { "→" } else { "" }),
                Cell::new(named(trial)),
                right(trial.workers.to_string()),
                optional(trial.wall_s.map(time)),
                optional(trial.speedup.map(|speedup| format!("{speedup:.2}×"))),
                optional(trial.peak_memory_bytes.map(|bytes| Bytes(bytes).to_string())),
            ]));
        }
        if !ran.is_empty() {
            self.lines(&table.trim_fmt(), 2);
        }
        let advised = |curve: &&Curve| curve.model == document.recommendation.model;
        if let Some(curve) = document.curve.iter().find(advised) {
            self.paragraph(&fitted(curve));
        }
        let mut table = plain_table();
        for trial in not_ran {
            let reason = text(trial.reason.as_deref().unwrap_or("no reason was given")).into_owned();
            table.add_row(vec![String::new(), named(trial), format!("{}: {reason}", text(&trial.outcome))]);
        }
        if let Some(models) = table.column_mut(1) {
            models.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(30)));
            self.lines(&table.trim_fmt(), 2);
        }
    }
}

/// What the fitted law says, and how well it fits.
fn fitted(curve: &Curve) -> String {
    let measured = curve.workers.last().copied().unwrap_or(1);
    let peak = match curve.peak_workers {
        Some(peak) if peak <= measured as f64 => format!("more than {peak:.0} workers cost more"),
        Some(peak) => format!("it would fall beyond {peak:.0} workers (not measured past {measured})"),
        None => format!("it does not fall (not measured past {measured})"),
    };
    let bound = match curve.bound_workers {
        Some(bound) if bound >= 1.5 => format!("; one task's demand allows no gain beyond {bound:.0}"),
        _ => String::new(),
    };
    format!(
        "Scaling of {}: contention {:.1} %, {peak}{bound}; the fit is off by {:.0} %.",
        text(&curve.model),
        curve.sigma * 100.0,
        curve.fit_error * 100.0
    )
}

/// The trials of what the recommendation is about: one place in the program, or all of it.
fn about(document: &Document) -> impl Iterator<Item = &Trial> {
    document.trial.iter().filter(|trial| trial.site == document.recommendation.site)
}

/// Of each model the trial to show: the recommended setting, else its fastest; apart, models of which none ran.
fn best_of_each_model(document: &Document) -> (Vec<&Trial>, Vec<&Trial>) {
    let rank = |trial: &Trial| (!chosen(document, trial), trial.wall_s.unwrap_or(f64::INFINITY));
    let better = |a: &Trial, b: &Trial| rank(a).partial_cmp(&rank(b)).unwrap_or(Ordering::Equal);
    let mut shown: Vec<&Trial> = Vec::new();
    for trial in about(document) {
        let same = shown.iter_mut().find(|other| other.model == trial.model);
        match same {
            None => shown.push(trial),
            Some(other) => match (other.outcome == "ok", trial.outcome == "ok") {
                (false, true) => *other = trial,
                (true, true) if better(trial, other) == Ordering::Less => *other = trial,
                _ => {}
            },
        }
    }
    let (mut ran, not_ran): (Vec<&Trial>, Vec<&Trial>) = shown.into_iter().partition(|trial| trial.outcome == "ok");
    let wall = |trial: &Trial| trial.wall_s.unwrap_or(f64::INFINITY);
    ran.sort_by(|a, b| wall(a).total_cmp(&wall(b)));
    (ran, not_ran)
}

fn chosen(document: &Document, trial: &Trial) -> bool {
    let answer = &document.recommendation;
    (&answer.model, answer.workers, &answer.start_method) == (&trial.model, trial.workers, &trial.start_method)
        && trial.outcome == "ok"
}

fn named(trial: &Trial) -> String {
    match &trial.start_method {
        Some(method) => format!("{} ({})", text(&trial.model), text(method)),
        None => text(&trial.model).into_owned(),
    }
}
