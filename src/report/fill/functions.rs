//! The functions that threads were seen in, as the report's table.

use super::{said, schema, share, word};
use crate::observe::Function;
use crate::units::Share;

/// A row for each, with its parts of all sightings.
pub(super) fn functions(from: &[Function]) -> Vec<schema::Function> {
    let all: f64 = from.iter().map(|function| f64::from(function.seen)).sum();
    let part = |seen: u32| Share::new(f64::from(seen) / all).map_or(0.0, share);
    let row = |function: &Function| schema::Function {
        name: said(&function.name),
        path: word(function.path.as_os_str()),
        line: function.line,
        inside: function.inside.as_deref().map(said),
        seen_share: part(function.seen),
        active_share: part(function.active),
        holding_share: part(function.holding),
    };
    // The nameless one is no function, but all that were not kept; the shares are of those as well.
    from.iter().filter(|function| !function.name.is_empty()).map(row).collect()
}
