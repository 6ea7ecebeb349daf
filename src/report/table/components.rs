//! What a native program is built on, in a sentence or two of the page.

use super::Page;
use crate::report::schema::{Component, Target};

/// Most of what cannot be told that the page says; the report has all of it.
const UNKNOWN: usize = 2;

impl Page {
    /// Nothing for what is not native, or was not looked into.
    pub(super) fn components(&mut self, target: &Target) {
        let counts = |component: &&Component| component.role != "call";
        let mut built: Vec<&Component> = target.component.iter().filter(counts).collect();
        if built.is_empty() {
            built = target.component.iter().collect();
        }
        let named: Vec<String> = built.iter().map(|component| named(component)).collect();
        if !named.is_empty() {
            self.paragraph(&format!("It is built on {}.", named.join(", ")));
        }
        // Where an executor was found, what else there may be matters less.
        let found = target.component.iter().any(|component| matches!(component.role.as_str(), "executor" | "library"));
        if target.runtime == "native" && !found && !target.unknown.is_empty() {
            let unknown = target.unknown.iter().take(UNKNOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
            self.paragraph(&format!("Whether it has an executor of its own is not known: {unknown}."));
        }
    }
}

fn named(component: &Component) -> String {
    let version = component.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let doubt = if component.evidence == "text" { ", by a text in it" } else { "" };
    let seen = if component.evidence == "build info" { "build info" } else { component.seen.as_str() };
    format!("{}{version} ({seen}{doubt})", component.name)
}
