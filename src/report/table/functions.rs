//! The section of the page that says where in the program its threads are.

use super::{Page, percent, plain_table};
use crate::report::escape::text;
use crate::report::schema::Document;
use comfy_table::{Cell, CellAlignment, Row};
use std::path::Path;

/// Functions named on the page; the report has more.
const MOST: usize = 3;
/// A share below which a function's place says little.
const LEAST: f64 = 0.05;

impl Page {
    /// The lines that the program's threads are in most.
    pub(super) fn functions(&mut self, document: &Document) {
        let mut table = plain_table();
        for function in document.function.iter().take(MOST).filter(|function| function.seen_share >= LEAST) {
            let file = Path::new(&function.path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let inside = function.inside.as_ref().map_or_else(String::new, |inside| format!(", in {}", text(inside)));
            table.add_row(Row::from(vec![
                Cell::new(percent(function.seen_share)).set_alignment(CellAlignment::Right),
                Cell::new(format!("{}:{} {}{inside}", text(&file), function.line, text(&function.name))),
                Cell::new(format!("running {}", percent(function.active_share / function.seen_share))),
            ]));
        }
        if !table.is_empty() {
            self.heading("Where its threads are");
            self.lines(&table.trim_fmt(), 2);
        }
    }
}
