//! From an expression to the class whose instance its value is.
//!
//! Known by how the value came about: a class that is called, a factory that the catalogue knows, an annotation, a
//! context manager that gives itself, and every name and attribute that only ever holds such a value.

use super::resolve::STEPS;
use super::{Binding, Names, Origin, QualifiedName, ScopeId};
use crate::source::python::ast::{self, BoolOp, Expr, Operator};

impl<'a> Names<'a> {
    /// The class whose instance an expression read in `scope` is.
    pub fn instance_of(&self, expr: &'a Expr, scope: ScopeId) -> Option<QualifiedName> {
        self.instance_in(expr, scope, STEPS)
    }

    pub(super) fn instance_in(&self, expr: &'a Expr, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let steps = steps.checked_sub(1)?;
        match expr {
            Expr::Call(call) => self.instance_of_call(call, scope, steps),
            Expr::Name(name) => {
                let bindings = self.bindings(name.id.as_str(), scope);
                self.agreed(bindings, |binding| self.instance_of_binding(binding, steps))
            }
            Expr::Attribute(attribute) => {
                let class = self.class_of(&attribute.value, scope, steps)?;
                let here = &self.scopes[class.0];
                let name = attribute.attr.as_str();
                let bindings = [here.names.get(name), here.attributes.get(name)].into_iter().flatten().flatten();
                let bindings: Vec<_> = bindings.cloned().collect();
                self.agreed(&bindings, |binding| self.instance_of_binding(binding, steps))
            }
            Expr::Named(named) => self.instance_in(&named.value, scope, steps),
            Expr::If(either) => self.both([&either.body, &either.orelse], scope, steps),
            // `session or Session()`: the left side is what came in, which may be nothing yet.
            Expr::BoolOp(ast::ExprBoolOp { op: BoolOp::Or, values, .. }) => {
                let [given, fallback] = values.as_slice() else { return None };
                let fallback = self.instance_in(fallback, scope, steps)?;
                match self.instance_in(given, scope, steps.min(2)) {
                    Some(given) if given != fallback => None,
                    _ => Some(fallback),
                }
            }
            _ => None,
        }
    }

    fn both(&self, two: [&'a Expr; 2], scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let mut told = two.into_iter().filter(|one| !one.is_none_literal_expr());
        let first = self.instance_in(told.next()?, scope, steps)?;
        told.all(|one| self.instance_in(one, scope, steps).is_some_and(|other| other == first)).then_some(first)
    }

    fn instance_of_call(&self, call: &'a ast::ExprCall, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let called = self.resolve_in(&call.func, scope, steps)?;
        if let Some(made) = self.kinds.made_by(&called) {
            return Some(QualifiedName::of(made));
        }
        if self.kinds.gives_its_argument(&called) {
            return self.instance_in(call.arguments.args.first()?, scope, steps);
        }
        if let Expr::Name(name) = &*call.func
            && let [Binding { origin: Origin::Function(def, _), scope: defined }] =
                self.bindings(name.id.as_str(), scope)
        {
            let returns = def.returns.as_deref().filter(|_| !def.is_async)?;
            return self.annotated(returns, *defined, steps);
        }
        let looks_so = called.last().trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase());
        (looks_so || self.own_class(&called).is_some()).then_some(called)
    }

    fn instance_of_binding(&self, binding: &Binding<'a>, steps: usize) -> Option<QualifiedName> {
        match &binding.origin {
            Origin::Value(value) => self.instance_in(value, binding.scope, steps),
            Origin::Entered(value) => {
                let manager = self.instance_in(value, binding.scope, steps)?;
                Some(self.kinds.entered(&manager).map_or(manager, QualifiedName::of))
            }
            Origin::Annotated(annotation, value) => self
                .annotated(annotation, binding.scope, steps)
                .or_else(|| self.instance_in((*value)?, binding.scope, steps)),
            Origin::Parameter(annotation, default) => match annotation {
                Some(annotation) => self.annotated(annotation, binding.scope, steps),
                None => self.instance_in((*default)?, binding.scope, steps),
            },
            Origin::Import(_) | Origin::Function(..) | Origin::Class(..) | Origin::Other => None,
        }
    }

    /// The class that an annotation names: `X`, `"X"`, `X[int]`, `Optional[X]`, `X | None`, `Annotated[X, …]`.
    fn annotated(&self, annotation: &'a Expr, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let steps = steps.checked_sub(1)?;
        match annotation {
            Expr::Name(_) | Expr::Attribute(_) => self.resolve_in(annotation, scope, steps),
            Expr::StringLiteral(text) => self.quoted(text.value.to_str(), scope, steps),
            Expr::BinOp(ast::ExprBinOp { left, op: Operator::BitOr, right, .. }) => match (&**left, &**right) {
                (one, Expr::NoneLiteral(_)) | (Expr::NoneLiteral(_), one) => self.annotated(one, scope, steps),
                _ => None,
            },
            Expr::Subscript(subscript) => {
                let outer = self.resolve_in(&subscript.value, scope, steps)?;
                let first = || match &*subscript.slice {
                    Expr::Tuple(several) => several.elts.first(),
                    one => Some(one),
                };
                match outer.last() {
                    "Optional" | "Annotated" | "Final" | "ClassVar" => self.annotated(first()?, scope, steps),
                    "Union" | "Literal" | "Type" | "type" | "Callable" => None,
                    _ => Some(outer),
                }
            }
            _ => None,
        }
    }

    /// A quoted annotation, when it is a dotted name.
    fn quoted(&self, text: &str, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let text = text.trim();
        let plain = |part: &str| part.chars().all(|c| c.is_alphanumeric() || c == '_') && !part.is_empty();
        if !text.split('.').all(plain) {
            return None;
        }
        let (first, rest) = text.split_once('.').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let bindings = self.bindings(first, scope);
        let first = self.agreed(bindings, |binding| self.resolve_origin(binding, steps))?;
        Some(rest.map_or_else(|| first.clone(), |rest| first.join(rest)))
    }
}
