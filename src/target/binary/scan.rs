//! Looks for the `signs` in a file: its libraries, its sections, the texts of its names, and its loaded data.
//!
//! Names and data are read once each, in windows of bounded size, whatever tables say of them; what is no part of the
//! running program, such as debug information, is not read.

use super::component::Component;
use super::go::GoBuild;
use super::layout::{Layout, Names};
use super::patterns::{COMPILERS, Meaning, NAMES, TEXTS};
use super::signs::{SIGNS, Sign};
use super::window::windows;
use super::{Evidence, Found, Sighting, part};
use crate::target::Native;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek};
use std::ops::Range;

/// Most bytes that are read of one file; the largest programs (browsers, with their names) are half of it.
pub(super) const MOST_READ: u64 = 512 << 20;
/// Most bytes of a name or a version that are kept.
const LONGEST_SHOWN: usize = 100;
/// Most names that may turn out to be the end of another.
const MOST_DOUBTED: usize = 4096;
/// UPX writes its mark behind the program headers.
const UPX_WITHIN: usize = 1024;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    found: BTreeMap<Component, (Option<String>, BTreeMap<Evidence, Sighting>)>,
    /// It is packed.
    pub packed: bool,
    /// It calls `dlopen`.
    pub opens_libraries: bool,
    /// It holds paths of crates' source.
    pub has_crates: bool,
    /// Where Go's build information seems to begin, found by its first bytes.
    pub go_info: Option<u64>,
    /// Bytes that were read, of those that were to be.
    pub read: u64,
    /// Bytes that were to be read.
    pub of: u64,
}

impl Seen {
    pub fn has(&self, component: Component) -> bool {
        self.found.contains_key(&component)
    }

    /// What was found, with what Go's linker says of itself.
    pub fn found(mut self, go: Option<&GoBuild>) -> Vec<Found> {
        if let Some(go) = go {
            let what = go.package.clone().unwrap_or_else(|| "build information".to_owned());
            let sighting = Sighting { evidence: Evidence::BuildInfo, what, offset: Some(go.offset) };
            self.add(Component::Go, sighting, Some(go.version.clone()));
        }
        let found = |(component, (version, sightings)): (_, (_, BTreeMap<_, Sighting>))| Found {
            component,
            version,
            sightings: sightings.into_values().rev().collect(),
        };
        self.found.into_iter().map(found).collect()
    }

    /// The first sighting of its worth is kept, and the first version.
    fn add(&mut self, component: Component, sighting: Sighting, version: Option<String>) {
        let known = self.found.entry(component).or_default();
        known.0 = known.0.take().or(version);
        known.1.entry(sighting.evidence).or_insert(sighting);
    }

    fn see(&mut self, component: Component, evidence: Evidence, what: &[u8], offset: Option<u64>) {
        self.add(component, Sighting { evidence, what: shown(what), offset }, None);
    }
}

/// Looks at all of it.
pub(super) fn scan(file: &mut (impl Read + Seek), native: &Native, layout: &Layout) -> Seen {
    let mut seen = Seen::default();
    let head = part(file, 0, UPX_WITHIN).unwrap_or_default();
    seen.packed = head.windows(4).any(|bytes| bytes == b"UPX!");
    if seen.packed {
        return seen;
    }
    for (component, sign) in
        SIGNS.iter().flat_map(|(component, signs)| signs.iter().map(move |sign| (*component, sign)))
    {
        match sign {
            Sign::Library(start) => {
                for name in native.libraries.iter().filter(|name| name.starts_with(start)) {
                    let sighting = Sighting { evidence: Evidence::Library, what: shown(name.as_bytes()), offset: None };
                    seen.add(component, sighting, version_of_library(component, name));
                }
            }
            Sign::Section(name) if layout.sections.iter().any(|section| section == name.as_bytes()) => {
                seen.see(component, Evidence::Section, name.as_bytes(), None);
            }
            _ => {}
        }
    }
    names(file, layout, &mut seen);
    data(file, layout, &mut seen);
    seen
}

/// A name that is the end of another, or is none: `epoll_wait` in `my_epoll_wait`.
struct Doubted {
    component: Option<Component>,
    what: Vec<u8>,
}

fn names(file: &mut (impl Read + Seek), layout: &Layout, seen: &mut Seen) {
    let tables = [(&layout.dynamic_names, Evidence::DynamicSymbol), (&layout.names, Evidence::Symbol)];
    for (names, evidence) in tables {
        let Some(Names { texts, symbols }) = names else { continue };
        // Linkers keep a name that is the end of another only as that: which ones are names, the symbols say.
        let mut doubted: HashMap<u32, Doubted> = HashMap::new();
        windows(file, texts, &NAMES, seen, &mut |seen, window, at, meaning| {
            let is_whole = matches!(window.bytes.get(at.end), None | Some(0 | b'@'));
            let (component, fits) = match meaning {
                Meaning::Sign(component, Sign::SymbolPart(_)) => {
                    return seen.see(component, evidence, window.name(at.start), Some(window.offset(at.start)));
                }
                Meaning::Sign(component, Sign::Symbol(_)) => (Some(component), is_whole),
                Meaning::Sign(component, _) => (Some(component), true),
                _ => (None, is_whole),
            };
            if !fits {
                return;
            }
            let what = &window.bytes[at.start..window.end(at.start)];
            if window.before(at.start) != Some(0) {
                let name = u32::try_from(window.offset(at.start) - texts.start);
                if let (true, Ok(name)) = (doubted.len() < MOST_DOUBTED, name) {
                    doubted.insert(name, Doubted { component, what: what.to_vec() });
                }
                return;
            }
            match component {
                Some(component) => seen.see(component, evidence, what, Some(window.offset(at.start))),
                None => seen.opens_libraries = true,
            }
        });
        let Some(symbols) = symbols else { continue };
        for name in used(file, symbols, layout, &doubted) {
            let Some(Doubted { component, what }) = doubted.get(&name) else { continue };
            match component {
                Some(component) => seen.see(*component, evidence, what, Some(texts.start + u64::from(name))),
                None => seen.opens_libraries = true,
            }
        }
    }
}

/// Which of the doubted names some symbol has. A symbol begins with where its name is, in both classes of file.
fn used(
    file: &mut (impl Read + Seek),
    table: &Range<u64>,
    layout: &Layout,
    doubted: &HashMap<u32, Doubted>,
) -> Vec<u32> {
    const ENTRIES: u64 = 1 << 15;
    let size = if layout.bits == 64 { 24 } else { 16 };
    let mut used = Vec::new();
    let mut at = table.start;
    let last = table.end.min(table.start.saturating_add(MOST_READ));
    while !doubted.is_empty() && at < last {
        let Ok(bytes) = part(file, at, (last - at).min(ENTRIES * size) as usize) else { break };
        if bytes.len() < size as usize {
            break;
        }
        for entry in bytes.chunks_exact(size as usize) {
            let Some(name) = entry.first_chunk::<4>() else { continue };
            let name = if layout.big_endian { u32::from_be_bytes(*name) } else { u32::from_le_bytes(*name) };
            // Each is wanted once: a table may have the same name a million times.
            if doubted.contains_key(&name) && !used.contains(&name) {
                used.push(name);
            }
        }
        at += ENTRIES * size;
    }
    used
}

fn data(file: &mut (impl Read + Seek), layout: &Layout, seen: &mut Seen) {
    for range in layout.loaded() {
        windows(file, &range, &TEXTS, seen, &mut |seen, window, at, meaning| {
            let offset = window.offset(at.start);
            match meaning {
                Meaning::HasCrates => seen.has_crates = true,
                Meaning::GoInfo => seen.go_info = seen.go_info.or(Some(offset)),
                Meaning::Sign(component, Sign::Crate(name)) => {
                    let before = window.before(at.start);
                    let Some(version) = crate_version(&window.bytes[at.end..]) else { return };
                    if matches!(before, Some(b'/' | b'_')) {
                        let what = &window.bytes[at.start..at.end + version.len()];
                        let evidence = Evidence::SourcePath;
                        let sighting = Sighting { evidence, what: shown(what), offset: Some(offset) };
                        seen.has_crates = true;
                        // A crate that is part of it has a version of its own: rayon-core 1.13 is rayon 1.12's.
                        let version = (name == component.name()).then(|| shown(version));
                        seen.add(component, sighting, version);
                    }
                }
                Meaning::Sign(component, Sign::Word(word)) => {
                    seen.see(component, Evidence::Text, word.as_bytes(), Some(offset + 1));
                }
                Meaning::Sign(component, sign) => {
                    let evidence = if let Sign::Path(_) = sign { Evidence::SourcePath } else { Evidence::Text };
                    seen.see(component, evidence, &window.bytes[at], Some(offset));
                }
                Meaning::OpensLibraries => {}
            }
        });
    }
    if let Some(comment) = &layout.comment {
        windows(file, comment, &COMPILERS, seen, &mut |seen, window, at, meaning| {
            let Meaning::Sign(component, _) = meaning else { return };
            let what = &window.bytes[at.start..window.end(at.start)];
            let version = window.bytes[at.end..window.end(at.start)].split(|byte| *byte == b' ').next();
            let version = version.filter(|version| !version.is_empty()).map(shown);
            let offset = Some(window.offset(at.start));
            seen.add(component, Sighting { evidence: Evidence::BuildInfo, what: shown(what), offset }, version);
        });
    }
}

/// The version in `1.38.0/src/…`, which follows a crate's name in the path of its source.
fn crate_version(rest: &[u8]) -> Option<&[u8]> {
    let length = rest.iter().take(LONGEST_SHOWN).position(|byte| *byte == b'/')?;
    let version = &rest[..length];
    let spelled = version.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(byte));
    let starts = version.first().is_some_and(u8::is_ascii_digit) && version.contains(&b'.');
    (spelled && starts && rest[length..].starts_with(b"/src/")).then_some(version)
}

/// `libpython3.11.so.1.0` has its language's version in its name; other libraries have that of their interface.
fn version_of_library(component: Component, name: &str) -> Option<String> {
    let rest = name.strip_prefix("libpython").filter(|_| component == Component::CPython)?;
    let version = rest.split_once(".so")?.0.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    version.contains('.').then(|| shown(version.as_bytes()))
}

/// As text, cut to what a page has room for.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_SHOWN)]).into_owned()
}
