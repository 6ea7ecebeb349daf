//! Static analysis: what source code and binaries say without being run. Facts for the decision tree, findings for
//! the reader, and candidates for the unit of work.
//!
//! One file flows through `python` (text and tree), `names` (what names mean), and `walk`, which tells the `detect`ors
//! of every node; a `project` is all files together. `catalogue` holds what is known of the world as data, a `finding`
//! is what comes out, unless `suppress`ed. `loops` finds calls that could be tasks. Nothing of the target is executed.

pub mod calls;
pub mod catalogue;
pub mod caught;
pub mod definitions;
pub mod detect;
pub mod finding;
pub mod fix;
pub mod globs;
pub mod loops;
pub mod names;
pub mod program;
pub mod project;
pub mod python;
pub mod suppress;
pub mod walk;
