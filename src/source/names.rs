//! What names in one file mean: scopes and bindings by Python's rules, the qualified name of an expression, and what
//! its value is an instance of.
//!
//! Told without running anything, so only what all bindings of a name agree on is told: a name bound to two different
//! things, by a loop, or perhaps by a star import means nothing here, and callers stay silent. `bind` collects the
//! bindings, `resolve` follows names and `instance` follows values, `variable` tells which variable is meant; `scoping`
//! is the walk that knows which scope it is in, also
//! for those who walk the file later. What qualified names stand for is the catalogue's.

mod bind;
mod instance;
mod module;
mod qualified;
mod resolve;
pub mod scoping;
mod star;
#[cfg(test)]
mod tests;
mod variable;

pub use module::Module;
pub use qualified::QualifiedName;
pub use variable::Variable;

use super::catalogue::Kinds;
use super::python::{Source, TextRange, ast};
use rustc_hash::FxHashMap;

/// A scope of a file, by number; the module's is [`ScopeId::MODULE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(usize);

impl ScopeId {
    /// The module's own.
    pub const MODULE: Self = Self(0);
}

/// What has the scope.
#[derive(Debug, Clone, Copy)]
pub enum ScopeKind<'a> {
    /// The file itself.
    Module,
    /// A class body.
    Class(&'a ast::StmtClassDef),
    /// A function, async or not.
    Function(&'a ast::StmtFunctionDef),
    /// A lambda.
    Lambda,
    /// A comprehension or a generator expression.
    Comprehension,
}

/// What a name is bound to.
#[derive(Debug, Clone)]
pub(super) enum Origin<'a> {
    /// An import, by its qualified name.
    Import(QualifiedName),
    /// A function of the file.
    Function(&'a ast::StmtFunctionDef, ScopeId),
    /// A class of the file, by its own scope.
    Class(ScopeId),
    /// The value of an expression.
    Value(&'a ast::Expr),
    /// What entering a context manager gives.
    Entered(&'a ast::Expr),
    /// A parameter, with its annotation and its default.
    Parameter(Option<&'a ast::Expr>, Option<&'a ast::Expr>),
    /// A variable with an annotation, and its value.
    Annotated(&'a ast::Expr, Option<&'a ast::Expr>),
    /// Anything else: a loop's target, a part of an unpacked value, a caught exception.
    Other,
}

/// One binding of a name, and the scope in which its expressions are to be read.
#[derive(Debug, Clone)]
pub(super) struct Binding<'a> {
    origin: Origin<'a>,
    scope: ScopeId,
}

struct Scope<'a> {
    kind: ScopeKind<'a>,
    parent: Option<ScopeId>,
    names: FxHashMap<&'a str, Vec<Binding<'a>>>,
    /// Names that `global` and `nonlocal` send elsewhere.
    sent: FxHashMap<&'a str, ScopeId>,
    /// Of a class: attributes that its methods bind on their first parameter.
    attributes: FxHashMap<&'a str, Vec<Binding<'a>>>,
    /// Of a method: its first parameter, by which it reaches its instance or class.
    receiver: Option<&'a str>,
}

/// The names of one file.
pub struct Names<'a> {
    module: &'a Module,
    kinds: &'a Kinds,
    scopes: Vec<Scope<'a>>,
    of_node: FxHashMap<TextRange, ScopeId>,
    /// What is imported by a star, which may bind any name.
    stars: star::Stars,
}

impl<'a> Names<'a> {
    /// Collects the names of a file that is imported as `module`.
    pub fn of(source: &'a Source, module: &'a Module, kinds: &'a Kinds) -> Self {
        bind::bind(source, module, kinds)
    }

    /// The scope of a function, class, lambda or comprehension, by its range.
    pub fn scope_of(&self, node: TextRange) -> Option<ScopeId> {
        self.of_node.get(&node).copied()
    }

    /// What has a scope.
    pub fn kind(&self, scope: ScopeId) -> ScopeKind<'a> {
        self.scopes[scope.0].kind
    }

    /// The scope around a scope; `None` for the module's.
    pub fn parent(&self, scope: ScopeId) -> Option<ScopeId> {
        self.scopes[scope.0].parent
    }

    /// A scope and those around it, from the inside out.
    pub fn outward(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> {
        std::iter::successors(Some(scope), |scope| self.parent(*scope))
    }

    /// The innermost function around a scope, itself included; lambdas and comprehensions are passed through only when
    /// they run where they stand, as comprehensions do.
    pub fn function(&self, scope: ScopeId) -> Option<&'a ast::StmtFunctionDef> {
        let real = self.outward(scope).find(|scope| !matches!(self.kind(*scope), ScopeKind::Comprehension))?;
        if let ScopeKind::Function(def) = self.kind(real) { Some(def) } else { None }
    }

    /// The qualified name of the function or class that a scope is in, as imports elsewhere would say it; the module's
    /// own where it is in none.
    pub fn qualified(&self, scope: ScopeId) -> QualifiedName {
        let mut within: Vec<&str> = self.outward(scope).filter_map(|scope| self.name(scope)).collect();
        within.push(&self.module.name);
        within.reverse();
        QualifiedName::of(&within.join("."))
    }

    /// As [`Self::qualified`] without the module: `Client.fetch`; `None` outside of any function or class.
    pub fn within(&self, scope: ScopeId) -> Option<String> {
        let mut within: Vec<&str> = self.outward(scope).filter_map(|scope| self.name(scope)).collect();
        within.reverse();
        (!within.is_empty()).then(|| within.join("."))
    }

    /// The file's own methods of this name, of whatever class.
    pub fn methods(&self, name: &str) -> impl Iterator<Item = &'a ast::StmtFunctionDef> {
        let classes = self.scopes.iter().filter(|scope| matches!(scope.kind, ScopeKind::Class(_)));
        let bound = classes.filter_map(move |class| class.names.get(name)).flatten();
        bound.filter_map(|binding| if let Origin::Function(def, _) = binding.origin { Some(def) } else { None })
    }

    /// What names at the file's own level are imported from elsewhere.
    pub fn imported(&self) -> FxHashMap<String, QualifiedName> {
        let names = self.scopes[ScopeId::MODULE.0].names.iter();
        let only = names.filter_map(|(name, bindings)| match bindings.as_slice() {
            [Binding { origin: Origin::Import(target), .. }] => Some(((*name).to_owned(), target.clone())),
            _ => None,
        });
        only.collect()
    }

    /// What a name is imported from, as it is read in a scope; `None` when anything else binds it too.
    pub fn imported_as(&self, name: &str, scope: ScopeId) -> Option<&QualifiedName> {
        match self.bindings(name, scope) {
            [Binding { origin: Origin::Import(first), .. }, rest @ ..] => {
                let same = |other: &Binding<'_>| matches!(&other.origin, Origin::Import(other) if other == first);
                rest.iter().all(same).then_some(first)
            }
            _ => None,
        }
    }

    fn name(&self, scope: ScopeId) -> Option<&'a str> {
        match self.kind(scope) {
            ScopeKind::Class(def) => Some(def.name.as_str()),
            ScopeKind::Function(def) => Some(def.name.as_str()),
            ScopeKind::Module | ScopeKind::Lambda | ScopeKind::Comprehension => None,
        }
    }

    /// The bindings of a name that is read in a scope; empty when nothing in the file binds it.
    fn bindings(&self, name: &str, scope: ScopeId) -> &[Binding<'a>] {
        let home = self.home(name, scope).and_then(|home| self.scopes[home.0].names.get(name));
        home.map_or(&[], Vec::as_slice)
    }

    /// The scope whose name a name is that is read in a scope.
    fn home(&self, name: &str, scope: ScopeId) -> Option<ScopeId> {
        for at in self.outward(scope) {
            let here = &self.scopes[at.0];
            if let Some(elsewhere) = here.sent.get(name) {
                return Some(*elsewhere);
            }
            // A class's names are seen in its body only, not in the functions and comprehensions there.
            if (at == scope || !matches!(here.kind, ScopeKind::Class(_))) && here.names.contains_key(name) {
                return Some(at);
            }
        }
        None
    }

    /// Whether a name that is read in a scope is of the file's own level, or a builtin: the same in every call.
    pub fn is_of_file(&self, name: &str, scope: ScopeId) -> bool {
        for at in self.outward(scope) {
            let here = &self.scopes[at.0];
            if let Some(elsewhere) = here.sent.get(name) {
                return *elsewhere == ScopeId::MODULE;
            }
            if here.names.contains_key(name) {
                return at == ScopeId::MODULE;
            }
        }
        true
    }

    /// The class whose instance a name is, as the first parameter of one of its methods.
    fn class_of_receiver(&self, name: &str, scope: ScopeId) -> Option<ScopeId> {
        for at in self.outward(scope) {
            let here = &self.scopes[at.0];
            if here.receiver == Some(name) {
                return here.parent;
            }
            if here.names.contains_key(name) {
                return None;
            }
        }
        None
    }
}
