//! The instruments of `concadvise doctor`, as a page and as TOML.

use super::escape::text;
use crate::observe::{Instrument, Works};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

/// The narrowest page: below it a column has room for no word.
const NARROWEST: u16 = 60;
/// The widest, which the eye still follows.
const WIDEST: u16 = 140;

/// The page, at most `width` columns wide where that is enough for its columns; below the table, what would enable each.
pub fn page(instruments: &[Instrument], width: u16) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(["", "what is read", "here", "what it adds"]);
    for instrument in instruments {
        let found = text(&instrument.found).into_owned();
        table.add_row([works(instrument.works), instrument.name, &found, instrument.adds]);
    }
    let part = |percent| ColumnConstraint::UpperBoundary(Width::Percentage(percent));
    for (column, percent) in [(1, 34), (2, 28), (3, 30)] {
        if let Some(column) = table.column_mut(column) {
            column.set_constraint(part(percent));
        }
    }
    let mut page: String = table.trim_fmt().lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let enabling: Vec<_> =
        instruments.iter().filter_map(|instrument| Some((instrument.name, instrument.enable.as_deref()?))).collect();
    if !enabling.is_empty() {
        page += "\nTo enable what is missing\n";
    }
    for (name, enable) in enabling {
        page += &format!("  {name}\n      {}\n", text(enable));
    }
    page
}

const fn works(works: Works) -> &'static str {
    match works {
        Works::Yes => "yes",
        Works::Partly => "partly",
        Works::No => "no",
    }
}

/// One `[[instrument]]` for each.
///
/// # Errors
/// A sentence, when the serializer refuses a value; no value of ours is known to make it.
pub fn toml(instruments: &[Instrument]) -> Result<String, String> {
    #[derive(Serialize)]
    struct Document {
        instrument: Vec<Row>,
    }
    #[derive(Serialize)]
    struct Row {
        name: &'static str,
        works: &'static str,
        found: String,
        adds: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        enable: Option<String>,
    }
    let row = |from: &Instrument| Row {
        name: from.name,
        works: works(from.works),
        found: text(&from.found).into_owned(),
        adds: from.adds,
        enable: from.enable.as_deref().map(|enable| text(enable).into_owned()),
    };
    let document = Document { instrument: instruments.iter().map(row).collect() };
    toml::to_string_pretty(&document).map_err(|why| format!("cannot write the instruments as TOML: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruments() -> Vec<Instrument> {
        let found = "waits in a function whose name is long enough to be wrapped more than once".to_owned();
        vec![
            Instrument {
                name: "the wait channel",
                works: Works::Yes,
                found,
                adds: "what it is blocked on",
                enable: None,
            },
            Instrument {
                name: "records of every context switch",
                works: Works::No,
                found: "this user may not\u{1b}[31m".to_owned(),
                adds: "each burst and each wait",
                enable: Some("sudo sysctl kernel.perf_event_paranoid=2".to_owned()),
            },
        ]
    }

    #[test]
    fn the_page_fits_its_width_and_what_would_enable_a_thing_is_never_broken() {
        for width in [0, 60, 80, 120, 500] {
            let page = page(&instruments(), width);
            let allowed = usize::from(width.clamp(NARROWEST, WIDEST));
            assert!(page.lines().all(|line| line.chars().count() <= allowed), "{width}:\n{page}");
            assert!(page.contains("sudo sysctl kernel.perf_event_paranoid=2\n") && !page.contains('\u{1b}'), "{page}");
        }
    }

    #[test]
    fn nothing_to_enable_is_not_announced() {
        assert!(!page(&instruments()[..1], 80).contains("To enable"));
    }

    #[test]
    fn machines_read_the_same() -> Result<(), String> {
        let table: ::toml::Table = toml(&instruments())?.parse().map_err(|why| format!("{why}"))?;
        let rows = table.get("instrument").and_then(::toml::Value::as_array).map(Vec::len);
        assert_eq!(rows, Some(2));
        Ok(())
    }
}
