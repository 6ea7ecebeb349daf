//! What the rest of a project needs to know of a file once its tree is dropped: its functions, what each calls, and
//! where each blocks.

use super::executor::{Executor, Unsent};
use super::passed_by;
use crate::source::detect::{Library, never_waits};
use crate::source::finding::{Level, Spot};
use crate::source::names::{QualifiedName, ScopeId, ScopeKind};
use crate::source::python::ast::{self, Expr};
use crate::source::python::{Place, Ranged, TextRange};
use crate::source::walk::{At, File};
use rustc_hash::FxHashMap;
use std::path::PathBuf;

/// A file's functions.
#[derive(Debug)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// How others import it.
    pub module: String,
    /// What names at its own level are imported from elsewhere, for those who import them from here.
    pub exports: FxHashMap<String, QualifiedName>,
    /// What runs its coroutines; `None` where it has none.
    pub library: Option<Library>,
    /// In order.
    pub functions: Vec<Function>,
    /// Where it builds executors, in order; looked for by [`check_all`](super::check_all) only.
    pub executors: Vec<Executor>,
    /// Tasks that it hands to threads and could not hand to processes; looked for as those are.
    pub unsent: Vec<Unsent>,
}

/// One function or method.
#[derive(Debug)]
pub struct Function {
    /// As others import it.
    pub name: QualifiedName,
    /// Without the module.
    pub within: String,
    /// Whether it is a coroutine.
    pub is_async: bool,
    /// Whether calling it runs its body, there and then: no generator, and no decorator puts it elsewhere.
    pub runs_when_called: bool,
    /// What of a project or a library it calls, and does not await.
    pub calls: Vec<Called>,
    /// Its first call of a blocking callable.
    pub blocking: Option<BlockingCall>,
}

/// A call by one function of another.
#[derive(Debug)]
pub struct Called {
    /// What is called.
    pub callee: QualifiedName,
    /// Where.
    pub place: Place,
    /// The place to show; of coroutines only.
    pub spot: Option<Spot>,
}

/// A call that blocks.
#[derive(Debug)]
pub struct BlockingCall {
    /// What is called.
    pub callable: QualifiedName,
    /// Where.
    pub place: Place,
    /// Completes "use …".
    pub instead: String,
}

/// Decorators that leave a function where and when it runs.
const HARMLESS: [&str; 6] = ["staticmethod", "classmethod", "override", "final", "wraps", "abstractmethod"];

/// A summary that is being made.
pub struct Summarising {
    summary: Summary,
    of_scope: FxHashMap<ScopeId, usize>,
    /// Of each function, what most calls of it pass by; looked for where it matters.
    passed_by: Vec<Option<Vec<TextRange>>>,
    patched: bool,
    /// Whether executors are looked for, and what is handed to them: at every call, for those who know how it ran.
    executors: bool,
}

impl Summarising {
    /// Of a file that is about to be walked.
    pub fn of(file: &File<'_>, executors: bool) -> Self {
        let (path, module) = (file.source.path.clone(), file.module.name.clone());
        Self {
            summary: Summary {
                path,
                module,
                exports: file.names.imported(),
                library: None,
                functions: Vec::new(),
                executors: Vec::new(),
                unsent: Vec::new(),
            },
            of_scope: FxHashMap::default(),
            passed_by: Vec::new(),
            patched: file.mentions("monkey.patch_all"),
            executors,
        }
    }

    /// The walk comes to a function.
    pub fn function<'a>(&mut self, at: &At<'a>, def: &'a ast::StmtFunctionDef) {
        let names = &at.file.names;
        let Some(scope) = names.scope_of(def.range()) else { return };
        let harmless = |decorator: &ast::Decorator| {
            let name = match &decorator.expression {
                Expr::Name(name) => Some(name.id.as_str()),
                Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
                _ => None,
            };
            name.is_some_and(|name| HARMLESS.contains(&name))
        };
        // Asked once, and only where it is wanted: it reads the text.
        if def.is_async {
            self.summary.library.get_or_insert_with(|| Library::of(at.file));
        }
        self.of_scope.insert(scope, self.summary.functions.len());
        self.passed_by.push(None);
        self.summary.functions.push(Function {
            name: names.qualified(scope),
            within: names.within(scope).unwrap_or_default(),
            is_async: def.is_async,
            runs_when_called: def.decorator_list.iter().all(harmless),
            calls: Vec::new(),
            blocking: None,
        });
    }

    /// The walk comes to a `yield`.
    pub fn yields(&mut self, at: &At<'_>) {
        if let Some(index) = self.current(at) {
            self.summary.functions[index].runs_when_called = false;
        }
    }

    /// The walk comes to a call.
    pub fn call<'a>(&mut self, at: &At<'a>, call: &'a ast::ExprCall) {
        if self.executors {
            self.summary.executors.extend(Executor::built(at, call));
            self.summary.unsent.extend(Unsent::handed(at, call));
        }
        if self.patched || at.is_awaited() {
            return;
        }
        let Some(index) = self.current(at) else { return };
        let Some(callee) = at.callee(call) else { return };
        let group = at.file.catalogue.blocking.of(callee);
        let source = at.file.source;
        let function = &mut self.summary.functions[index];
        let mut is_passed_by = || {
            let parts =
                self.passed_by[index].get_or_insert_with(|| at.function().map_or_else(Vec::new, passed_by::parts));
            parts.iter().any(|part| part.contains(call.start()))
        };
        if let Some(group) = group.filter(|group| group.level != Some(Level::Info) && !never_waits(call, callee)) {
            if is_passed_by() {
                return;
            }
            let place = source.place(call.start());
            let blocking = BlockingCall { callable: callee.clone(), place, instead: group.instead.clone() };
            function.blocking.get_or_insert(blocking);
        } else if group.is_none() && !callee.starts_with("builtins.") && !is_passed_by() {
            let place = source.place(call.start());
            let spot = at.coroutine().map(|_| Spot::of(source, call.range()));
            function.calls.push(Called { callee: callee.clone(), place, spot });
        }
    }

    /// The walk is over.
    pub fn done(self) -> Summary {
        self.summary
    }

    /// Number of the function whose own code the walk is in; comprehensions run where they stand.
    fn current(&self, at: &At<'_>) -> Option<usize> {
        let names = &at.file.names;
        let real = |scope: &ScopeId| !matches!(names.kind(*scope), ScopeKind::Comprehension);
        let scope = names.outward(at.scope()).find(real)?;
        self.of_scope.get(&scope).copied()
    }
}
