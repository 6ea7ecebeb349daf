//! The first walk over a file: which scope binds which name to what.

use super::scoping::{Scoped, below_expr, below_stmt};
use super::star::Stars;
use super::{Binding, Module, Names, Origin, QualifiedName, Scope, ScopeId, ScopeKind};
use crate::source::catalogue::Kinds;
use crate::source::python::ast::visitor::{Visitor, walk_except_handler, walk_pattern};
use crate::source::python::ast::{self, Expr, Pattern, Stmt};
use crate::source::python::{Ranged, Source, TextRange};
use rustc_hash::FxHashMap;

/// Collects the bindings of a file.
pub(super) fn bind<'a>(source: &'a Source, module: &'a Module, kinds: &'a Kinds) -> Names<'a> {
    let names =
        Names { module, kinds, scopes: Vec::new(), of_node: FxHashMap::default(), stars: Stars::of(source, module) };
    let mut binder = Binder { names, here: ScopeId::MODULE };
    binder.open(ScopeKind::Module, None);
    binder.visit_body(source.body());
    binder.names
}

struct Binder<'a> {
    names: Names<'a>,
    here: ScopeId,
}

impl<'a> Binder<'a> {
    fn open(&mut self, kind: ScopeKind<'a>, node: Option<TextRange>) -> ScopeId {
        let id = ScopeId(self.names.scopes.len());
        self.names.scopes.push(Scope {
            kind,
            parent: node.map(|_| self.here),
            names: FxHashMap::default(),
            sent: FxHashMap::default(),
            attributes: FxHashMap::default(),
            receiver: None,
        });
        if let Some(node) = node {
            self.names.of_node.insert(node, id);
        }
        id
    }

    fn bind(&mut self, name: &'a str, origin: Origin<'a>) {
        self.bind_in(self.here, name, origin);
    }

    fn bind_in(&mut self, scope: ScopeId, name: &'a str, origin: Origin<'a>) {
        let target = self.names.scopes[scope.0].sent.get(name).copied().unwrap_or(scope);
        let binding = Binding { origin, scope: self.here };
        self.names.scopes[target.0].names.entry(name).or_default().push(binding);
    }

    /// Binds the parameters of a function whose scope was just opened; their expressions are read in the scope around.
    fn parameters(&mut self, scope: ScopeId, parameters: &'a ast::Parameters) {
        for one in parameters.iter_non_variadic_params() {
            let origin = Origin::Parameter(one.parameter.annotation.as_deref(), one.default.as_deref());
            self.bind_in(scope, one.parameter.name.as_str(), origin);
        }
        for one in [&parameters.vararg, &parameters.kwarg].into_iter().flatten() {
            self.bind_in(scope, one.name.as_str(), Origin::Other);
        }
    }

    /// Binds a target to what `origin` makes of the value.
    fn target(&mut self, target: &'a Expr, origin: Origin<'a>) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), origin),
            Expr::Attribute(attribute) => {
                if let Expr::Name(owner) = &*attribute.value
                    && let Some(class) = self.names.class_of_receiver(owner.id.as_str(), self.here)
                {
                    let binding = Binding { origin, scope: self.here };
                    let attributes = &mut self.names.scopes[class.0].attributes;
                    attributes.entry(attribute.attr.as_str()).or_default().push(binding);
                }
            }
            Expr::Starred(starred) => self.target(&starred.value, Origin::Other),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let values = match &origin {
                    Origin::Value(Expr::Tuple(values)) => values.elts.as_slice(),
                    Origin::Value(Expr::List(values)) => values.elts.as_slice(),
                    _ => &[],
                };
                let plain = elts.len() == values.len() && !elts.iter().chain(values).any(Expr::is_starred_expr);
                for (index, one) in elts.iter().enumerate() {
                    self.target(one, if plain { Origin::Value(&values[index]) } else { Origin::Other });
                }
            }
            _ => {}
        }
    }

    fn import_from(&mut self, import: &'a ast::StmtImportFrom) {
        let module = import.module.as_ref().map(|module| module.as_str());
        let from = match (import.level, module) {
            (0, Some(module)) => Some(module.to_owned()),
            (0, None) => None,
            (dots, module) => {
                let above = self.names.module.above(dots);
                above.map(|above| module.map_or_else(|| above.to_owned(), |module| format!("{above}.{module}")))
            }
        };
        for alias in &import.names {
            if alias.name.as_str() == "*" {
                self.names.stars.add(from.clone());
                continue;
            }
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            let origin = from.as_deref().map(|from| Origin::Import(self.canonical(&format!("{from}.{}", alias.name))));
            self.bind(name, origin.unwrap_or(Origin::Other));
        }
    }

    fn import(&mut self, import: &'a ast::StmtImport) {
        for alias in &import.names {
            let whole = alias.name.as_str();
            match &alias.asname {
                Some(name) => self.bind(name.as_str(), Origin::Import(self.canonical(whole))),
                None => {
                    let first = whole.split('.').next().unwrap_or(whole);
                    self.bind(first, Origin::Import(QualifiedName::of(first)));
                }
            }
        }
    }

    fn canonical(&self, name: &str) -> QualifiedName {
        QualifiedName::of(self.names.kinds.same(name).unwrap_or(name))
    }

    fn function(&mut self, def: &'a ast::StmtFunctionDef) {
        let scope = self.open(ScopeKind::Function(def), Some(def.range()));
        self.bind(def.name.as_str(), Origin::Function(def, scope));
        let is_static = def
            .decorator_list
            .iter()
            .any(|decorator| matches!(&decorator.expression, Expr::Name(name) if name.id.as_str() == "staticmethod"));
        if matches!(self.names.kind(self.here), ScopeKind::Class(_)) && !is_static {
            let first = def.parameters.posonlyargs.first().or(def.parameters.args.first());
            self.names.scopes[scope.0].receiver = first.map(|first| first.parameter.name.as_str());
        }
        self.parameters(scope, &def.parameters);
    }

    fn elsewhere(&mut self, names: &'a [ast::Identifier], global: bool) {
        let around = |scope: &ScopeId| *scope != self.here && matches!(self.names.kind(*scope), ScopeKind::Function(_));
        let around: Vec<ScopeId> = self.names.outward(self.here).filter(around).collect();
        for name in names {
            let has = |scope: &&ScopeId| self.names.scopes[scope.0].names.contains_key(name.as_str());
            let outer = around.iter().find(has).or(around.first()).copied();
            let scope = if global { Some(ScopeId::MODULE) } else { outer };
            if let Some(scope) = scope.filter(|scope| *scope != self.here) {
                self.names.scopes[self.here.0].sent.insert(name.as_str(), scope);
            }
        }
    }

    fn type_params(&mut self, scope: ScopeId, params: Option<&'a ast::TypeParams>) {
        for param in params.into_iter().flat_map(|params| params.iter()) {
            self.bind_in(scope, param.name().as_str(), Origin::Other);
        }
    }
}

impl<'a> Scoped<'a> for Binder<'a> {
    fn enter(&mut self, node: TextRange) {
        self.here = self.names.of_node.get(&node).copied().unwrap_or(self.here);
    }

    fn leave(&mut self) {
        self.here = self.names.parent(self.here).unwrap_or(ScopeId::MODULE);
    }
}

impl<'a> Visitor<'a> for Binder<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(def) => {
                self.function(def);
                let scope = self.names.of_node[&def.range()];
                self.type_params(scope, def.type_params.as_deref());
            }
            Stmt::ClassDef(def) => {
                let scope = self.open(ScopeKind::Class(def), Some(def.range()));
                self.bind(def.name.as_str(), Origin::Class(scope));
            }
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.target(target, Origin::Value(&assign.value)));
            }
            Stmt::AnnAssign(assign) => {
                self.target(&assign.target, Origin::Annotated(&assign.annotation, assign.value.as_deref()));
            }
            Stmt::AugAssign(assign) => self.target(&assign.target, Origin::Other),
            Stmt::For(each) => self.target(&each.target, Origin::Other),
            Stmt::With(with) => {
                for item in &with.items {
                    if let Some(target) = &item.optional_vars {
                        self.target(target, Origin::Entered(&item.context_expr));
                    }
                }
            }
            Stmt::Global(global) => self.elsewhere(&global.names, true),
            Stmt::Nonlocal(nonlocal) => self.elsewhere(&nonlocal.names, false),
            Stmt::TypeAlias(alias) => self.target(&alias.name, Origin::Other),
            _ => {}
        }
        below_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(lambda) => {
                let scope = self.open(ScopeKind::Lambda, Some(lambda.range()));
                if let Some(parameters) = &lambda.parameters {
                    self.parameters(scope, parameters);
                }
            }
            Expr::ListComp(ast::ExprListComp { generators, .. })
            | Expr::SetComp(ast::ExprSetComp { generators, .. })
            | Expr::DictComp(ast::ExprDictComp { generators, .. })
            | Expr::Generator(ast::ExprGenerator { generators, .. }) => {
                let scope = self.open(ScopeKind::Comprehension, Some(expr.range()));
                let around = std::mem::replace(&mut self.here, scope);
                generators.iter().for_each(|generator| self.target(&generator.target, Origin::Other));
                self.here = around;
            }
            Expr::Named(named) => {
                if let Expr::Name(name) = &*named.target {
                    let real = |scope: &ScopeId| !matches!(self.names.kind(*scope), ScopeKind::Comprehension);
                    let scope = self.names.outward(self.here).find(real).unwrap_or(ScopeId::MODULE);
                    self.bind_in(scope, name.id.as_str(), Origin::Value(&named.value));
                }
            }
            _ => {}
        }
        below_expr(self, expr);
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.bind(name.as_str(), Origin::Other);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(ast::PatternMatchAs { name, .. })
            | Pattern::MatchStar(ast::PatternMatchStar { name, .. })
            | Pattern::MatchMapping(ast::PatternMatchMapping { rest: name, .. }) => name.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str(), Origin::Other);
        }
        walk_pattern(self, pattern);
    }
}
