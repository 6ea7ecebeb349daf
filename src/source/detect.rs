//! The detectors: one function per code and kind of node, in one table.
//!
//! A detector gets an [`At`] and a node and returns what it found there, or `None` when in doubt. It is registered in
//! [`DETECTORS`] and described in `rules/findings/CON….toml`; a test holds that each has the other, that the file's
//! example fires and that its `use_instead` does not.

mod arguments;
mod callables;
mod changes;
mod chunks;
mod closed;
mod coroutines;
pub mod executors;
mod fixes;
mod forks;
pub(super) mod handed;
mod library;
mod lifetimes;
mod lost;
mod oversubscribed;
mod pools;
mod queues;
mod reached;
mod sizing;
mod state;
#[cfg(test)]
mod tests;

pub use coroutines::never_waits;
pub use library::Library;
pub use pools::unpicklable;

use super::catalogue::{Catalogue, Entry};
use super::finding::{Finding, Found};
use super::project::graph::Graph;
use super::python::ast;
use super::walk::At;
use aho_corasick::{AhoCorasick, packed};

/// A detector of all files together.
pub type DetectAll = fn(&'static Entry, &Graph) -> Vec<Finding>;

/// A detector of nodes of one kind.
pub type Detect<N> = for<'a> fn(&At<'a>, &'a N) -> Option<Found>;

/// What a detector is told of.
#[derive(Clone, Copy)]
pub enum On {
    /// Every call.
    Call(Detect<ast::ExprCall>),
    /// Every `with`.
    With(Detect<ast::StmtWith>),
    /// Every `for` statement.
    For(Detect<ast::StmtFor>),
    /// Every function, sync and async, before its body.
    Function(Detect<ast::StmtFunctionDef>),
    /// Every class, before its body.
    Class(Detect<ast::StmtClassDef>),
    /// Every assignment without an annotation.
    Assign(Detect<ast::StmtAssign>),
    /// Every statement.
    Statement(Detect<ast::Stmt>),
    /// All files together, once they have been walked.
    Project(DetectAll),
}

/// Every detector, by code.
pub const DETECTORS: &[(&str, On)] = &[
    ("CON101", On::Call(coroutines::blocking_call)),
    ("CON102", On::Project(reached::blocking_helper)),
    ("CON103", On::Statement(coroutines::one_after_another)),
    ("CON103", On::Call(coroutines::one_after_another_in_comprehension)),
    ("CON104", On::Call(coroutines::gather_without_policy)),
    ("CON105", On::Call(coroutines::unbounded_fan_out)),
    ("CON106", On::Statement(coroutines::dangling)),
    ("CON107", On::With(coroutines::lock_across_await)),
    ("CON108", On::Call(coroutines::event_loop_again)),
    ("CON109", On::Call(coroutines::cpu_work)),
    ("CON109", On::For(coroutines::long_loop)),
    ("CON110", On::Call(coroutines::built_per_request)),
    ("CON111", On::Function(coroutines::never_awaits)),
    ("CON201", On::Call(pools::built_again_and_again)),
    ("CON202", On::Statement(pools::result_dropped)),
    ("CON203", On::Call(pools::not_picklable)),
    ("CON204", On::Call(pools::without_guard)),
    ("CON205", On::Call(pools::waited_for_at_once)),
    ("CON205", On::For(pools::waited_for_next)),
    ("CON206", On::For(pools::started_and_joined)),
    ("CON207", On::Call(lifetimes::never_shut_down)),
    ("CON208", On::Call(callables::waits_for_its_own_pool)),
    ("CON209", On::With(closed::closed_too_early)),
    ("CON210", On::Call(callables::called_instead)),
    ("CON301", On::Statement(state::changed_without_lock)),
    ("CON302", On::Statement(lost::changed_in_process)),
    ("CON303", On::Call(forks::with_live_threads)),
    ("CON401", On::Call(sizing::hard_coded_workers)),
    ("CON402", On::Call(sizing::cores_that_are_not_ours)),
    ("CON403", On::Call(oversubscribed::workers_of_workers)),
    ("CON404", On::Call(queues::without_bound)),
    ("CON501", On::Call(arguments::large_argument)),
    ("CON502", On::Call(chunks::one_by_one)),
];

/// The detectors of the codes that are asked for, by what they are told of.
#[derive(Default)]
pub struct Dispatch {
    /// By calls.
    pub calls: Vec<(&'static str, Detect<ast::ExprCall>)>,
    /// By `with` statements.
    pub withs: Vec<(&'static str, Detect<ast::StmtWith>)>,
    /// By `for` statements.
    pub fors: Vec<(&'static str, Detect<ast::StmtFor>)>,
    /// By functions.
    pub functions: Vec<(&'static str, Detect<ast::StmtFunctionDef>)>,
    /// By classes.
    pub classes: Vec<(&'static str, Detect<ast::StmtClassDef>)>,
    /// By assignments.
    pub assigns: Vec<(&'static str, Detect<ast::StmtAssign>)>,
    /// By statements.
    pub statements: Vec<(&'static str, Detect<ast::Stmt>)>,
    /// For all files together.
    pub projects: Vec<(&'static Entry, DetectAll)>,
    words: Words,
}

/// The words that a file must have one of, to be searched for all at once.
#[derive(Default)]
enum Words {
    /// By vector instructions, some bytes at a time, and so many words that these have room for.
    Packed(Vec<packed::Searcher>),
    /// By an automaton, byte for byte: where there are no such instructions.
    Automaton(AhoCorasick),
    /// Not at all: every file is looked at.
    #[default]
    Unknown,
}

/// Words that vector instructions look for at once, whatever the processor (aho-corasick 1.1, `packed::teddy`): twice as
/// many take twice as long where they can be had, and none of the vectors' speed is left where they cannot.
const AT_ONCE: usize = 32;

impl Words {
    fn of(words: &[&str]) -> Self {
        let packed = words.chunks(AT_ONCE).map(packed::Searcher::new).collect::<Option<_>>().map(Self::Packed);
        packed.or_else(|| AhoCorasick::new(words).ok().map(Self::Automaton)).unwrap_or_default()
    }

    fn any_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Packed(several) => several.iter().any(|words| words.find(text).is_some()),
            Self::Automaton(words) => words.is_match(text),
            Self::Unknown => true,
        }
    }
}

impl Dispatch {
    /// The detectors of those entries that are `asked` for.
    pub fn of(asked: impl Fn(&Entry) -> bool) -> Self {
        let mut dispatch = Self::default();
        let catalogue = Catalogue::get();
        let mut words: Vec<&str> = Vec::new();
        for (code, on) in DETECTORS {
            let Some(entry) = catalogue.entry(code).filter(|entry| asked(entry)) else { continue };
            words.extend(entry.words.iter().map(String::as_str));
            match *on {
                On::Call(detect) => dispatch.calls.push((code, detect)),
                On::With(detect) => dispatch.withs.push((code, detect)),
                On::For(detect) => dispatch.fors.push((code, detect)),
                On::Function(detect) => dispatch.functions.push((code, detect)),
                On::Class(detect) => dispatch.classes.push((code, detect)),
                On::Assign(detect) => dispatch.assigns.push((code, detect)),
                On::Statement(detect) => dispatch.statements.push((code, detect)),
                On::Project(detect) => dispatch.projects.push((entry, detect)),
            }
        }
        words.sort_unstable();
        words.dedup();
        dispatch.words = Words::of(&words);
        dispatch
    }

    /// Whether a file of this text can have a finding at all. Most files of most projects cannot, and are not parsed.
    pub fn may_find_in(&self, text: &[u8]) -> bool {
        self.words.any_in(text)
    }
}
