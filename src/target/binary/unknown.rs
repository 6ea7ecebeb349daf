//! Why something may be in a file although it was not found: what is not there to be seen.

use super::component::Component;
use super::layout::Layout;
use super::scan::Seen;
use crate::target::Native;
use std::fmt;

/// A reason why a component that was not found may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// It was not looked into.
    NotRead,
    /// It is packed, and what it unpacks cannot be seen.
    Packed,
    /// Its names were stripped and it needs no library: it shows itself by its texts only.
    Nameless,
    /// Its own names were stripped: what was linked into it shows by its texts only.
    Stripped,
    /// It is Rust, and the paths by which its crates are known were left out of it or its libraries hold them.
    NoCrates,
    /// It is Go without its build information.
    NoBuildInfo,
    /// It can open libraries while it runs, by names that are not listed.
    OpensLibraries,
    /// Its libraries need libraries in turn; those were not followed. Holds the names of its own.
    Libraries(Vec<String>),
    /// Only its first part was read.
    Cut {
        /// Bytes that were read.
        read: u64,
        /// Bytes that there are to read.
        of: u64,
    },
    /// Tables that it announces lie outside of it.
    Damaged,
}

/// Libraries that are in every program and bring no workers: C, C++ and what compilers add.
const PLAIN: [&str; 11] = [
    "libc.",
    "libm.",
    "libdl.",
    "librt.",
    "libpthread.",
    "libgcc_s.",
    "libstdc++.",
    "libatomic.",
    "libresolv.",
    "ld-",
    "linux-vdso.",
];
/// Most libraries that are named in a sentence.
const NAMED: usize = 4;

/// All that applies.
pub(super) fn of(native: &Native, layout: &Layout, seen: &Seen, go_build: bool) -> Vec<Unknown> {
    let mut unknown = Vec::new();
    if seen.packed {
        // Nothing else of what is seen is the program's own.
        return vec![Unknown::Packed];
    }
    let stripped = layout.names.is_none();
    let is = |component| seen.has(component);
    if is(Component::Go) && !go_build {
        unknown.push(Unknown::NoBuildInfo);
    }
    // Go's build information lists all that it is made of, whatever names are gone.
    let listed = go_build && native.libraries.is_empty();
    match () {
        () if listed || !stripped => {}
        () if native.libraries.is_empty() => unknown.push(Unknown::Nameless),
        () => unknown.push(Unknown::Stripped),
    }
    if stripped && is(Component::Rust) && !seen.has_crates {
        unknown.push(Unknown::NoCrates);
    }
    if seen.opens_libraries {
        unknown.push(Unknown::OpensLibraries);
    }
    let others = native.libraries.iter().filter(|name| !PLAIN.iter().any(|plain| name.starts_with(plain)));
    let others: Vec<String> = others.cloned().collect();
    if !others.is_empty() {
        unknown.push(Unknown::Libraries(others));
    }
    if seen.read < seen.of {
        unknown.push(Unknown::Cut { read: seen.read, of: seen.of });
    }
    if layout.damaged {
        unknown.push(Unknown::Damaged);
    }
    unknown
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead => f.write_str("what is in it was not looked into"),
            Self::Packed => f.write_str(
                "it is packed by UPX, and nothing of what it unpacks can be seen; unpack a copy with `upx -d` and name \
                 that",
            ),
            Self::Nameless => f.write_str(
                "it is linked statically and its names were stripped: what shows by no text of its own cannot be told",
            ),
            Self::Stripped => f.write_str(
                "its own names were stripped: what is linked into it, and shows by no text of its own, cannot be told",
            ),
            Self::NoCrates => f.write_str(
                "it is Rust and holds no paths of its crates' source: which it uses, if any, cannot be told",
            ),
            Self::NoBuildInfo => {
                f.write_str("it is Go and its build information was removed: its version and modules cannot be told")
            }
            Self::OpensLibraries => {
                f.write_str("it may open libraries while it runs (dlopen), under names that it lists nowhere")
            }
            Self::Libraries(names) => {
                let (shown, more) = names.split_at(names.len().min(NAMED));
                write!(f, "what its libraries bring was not looked into: {}", shown.join(", "))?;
                if more.is_empty() { Ok(()) } else { write!(f, " and {} more", more.len()) }
            }
            Self::Cut { read, of } => write!(f, "only {} MiB of its {} MiB were read", read >> 20, of >> 20),
            Self::Damaged => f.write_str("tables that it announces lie outside of it; it may be damaged or cut short"),
        }
    }
}
