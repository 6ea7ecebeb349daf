//! The section of the page about the places where the program builds executors, and the headline that names one.

use super::{Page, number, percent, plain_table, times};
use crate::report::escape::text;
use crate::report::schema::{Document, Site};
use comfy_table::{Cell, Row};

impl Page {
    /// A line for each place: what it builds, what to build, what that is worth; then why nothing was tried.
    pub(super) fn sites(&mut self, document: &Document) {
        if document.site.is_empty() {
            return;
        }
        self.heading("Where the program builds executors");
        let mut table = plain_table();
        for site in &document.site {
            let advice = match (site.speedup_now, stays(site)) {
                (Some(_), true) => "stays as it is".to_owned(),
                (Some(speedup), false) => format!("{}, {} faster than now", what(site), times(speedup)),
                (None, _) => text(&site.reason).into_owned(),
            };
            let found = format!("{} of {}", text(&site.executor), site.workers_found);
            table.add_row(Row::from(vec![Cell::new(place(site)), Cell::new(found), Cell::new(advice)]));
        }
        self.lines(&table.trim_fmt(), 2);
    }
}

/// The answer in one sentence, where it is about one place.
pub(super) fn headline(document: &Document) -> Option<String> {
    let at = document.recommendation.site.as_ref()?;
    let site = document.site.iter().find(|site| place_raw(site) == *at)?;
    let sure = percent(document.recommendation.confidence);
    if stays(site) {
        return Some(format!("Leave {} as it is: nothing that was tried is faster, {sure} sure.", place(site)));
    }
    let (now, low, high) = (site.speedup_now?, site.speedup_now_low?, site.speedup_now_high?);
    let range = format!("{} ({}–{})", times(now), number(low), number(high));
    Some(format!("At {} use {}: the program is {range} faster than now, {sure} sure.", place(site), what(site)))
}

fn stays(site: &Site) -> bool {
    site.speedup_now == Some(1.0)
}

/// As `trial.site` and `recommendation.site` name it.
fn place_raw(site: &Site) -> String {
    format!("{}:{}", site.path, site.line)
}

fn place(site: &Site) -> String {
    format!("{}:{}", text(&site.path), site.line)
}

fn what(site: &Site) -> String {
    let model = text(&site.model);
    if site.model == "sequential" {
        return "one task after another".to_owned();
    }
    let how = site.start_method.as_ref().map_or_else(String::new, |method| format!(" started by {}", text(method)));
    let chunks = site.chunk_size.filter(|size| *size > 1);
    let chunks = chunks.map_or_else(String::new, |size| format!(", {size} tasks at a time"));
    let workers = if site.workers == 1 { "worker" } else { "workers" };
    format!("{model}{how}, {} {workers}{chunks}", site.workers)
}
