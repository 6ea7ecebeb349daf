//! Static analysis: what source code and binaries say without being run. Facts for the decision tree, findings for
//! the reader, and candidates for the unit of work. `python` reads one file; `loops` finds calls that could be tasks.
//! Nothing of the target is executed here.

pub mod definitions;
pub mod loops;
pub mod program;
pub mod python;
