//! Where each target stands in a baseline or a configuration, for formats that point at a line.

use crate::reading::line_of;
use std::collections::BTreeMap;
use toml_edit::{Document, Item};

/// The line with each target's name, from 1; none of a text that names no targets.
pub fn lines(text: &str) -> BTreeMap<String, usize> {
    let Ok(document) = Document::parse(text) else { return BTreeMap::new() };
    // As `pyproject.toml` has them.
    let below = || document.get("tool")?.get("concadvise")?.get("target");
    let targets = document.get("target").or_else(below).and_then(Item::as_array_of_tables);
    let mut lines = BTreeMap::new();
    // Lines are counted on from the target before: a baseline may hold a thousand.
    let (mut byte, mut line) = (0, 1);
    for name in targets.into_iter().flatten().filter_map(|table| table.get("name")) {
        let Some((name, span)) = name.as_str().zip(name.span()) else { continue };
        let Some(between) = text.as_bytes().get(byte..span.start) else { continue };
        line += line_of(between, between.len()) - 1;
        byte = span.start;
        lines.insert(name.to_owned(), line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_where_its_name_is() {
        for (text, expected) in [
            ("", &[][..]),
            ("<<<<<<<", &[]),
            ("target = 3", &[]),
            (
                "a = 1\n\n[[target]]\nname = \"one\"\n[target.facts]\n[[target]]\n\nname = \"\\u0074wo\"\n",
                &[("one", 4), ("two", 8)],
            ),
            ("[[tool.concadvise.target]]\nname = \"x\"\n", &[("x", 2)]),
            ("[[target]]\nrules = \"\"\"\n\"\"\"\nname = \"x\"\n[[target]]\nname = 4", &[("x", 4)]),
        ] {
            let expected: BTreeMap<String, usize> =
                expected.iter().map(|(name, line)| ((*name).to_owned(), *line)).collect();
            assert_eq!(lines(text), expected, "{text}");
        }
    }
}
