//! From an expression to the qualified name that it stands for.

use super::{Binding, Names, Origin, QualifiedName, ScopeId, ScopeKind};
use crate::source::python::ast::{self, Expr};

/// Steps from name to name that are followed; more are a circle.
pub(super) const STEPS: usize = 12;

impl<'a> Names<'a> {
    /// The qualified name of an expression read in `scope`: of what was imported, of a function, class or method of the
    /// file, of a builtin, or of a method of a known instance (`requests.Session.get` for `session.get`).
    pub fn resolve(&self, expr: &'a Expr, scope: ScopeId) -> Option<QualifiedName> {
        self.resolve_in(expr, scope, STEPS)
    }

    pub(super) fn resolve_in(&self, expr: &'a Expr, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let steps = steps.checked_sub(1)?;
        match expr {
            Expr::Name(name) => self.resolve_name(name, scope, steps),
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                if let Some(owner) = self.resolve_in(&attribute.value, scope, steps) {
                    return Some(self.canonical(owner.join(name)));
                }
                if let Expr::Name(owner) = &*attribute.value
                    && let Some(class) = self.class_of_receiver(owner.id.as_str(), scope)
                {
                    return self.member(class, name, steps);
                }
                let class = self.instance_in(&attribute.value, scope, steps)?;
                match self.own_class(&class) {
                    Some(own) => self.member(own, name, steps),
                    None => Some(self.canonical(class.join(name))),
                }
            }
            // `Queue[int]`.
            Expr::Subscript(subscript) => {
                let name = self.resolve_in(&subscript.value, scope, steps)?;
                name.last().starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
            }
            _ => None,
        }
    }

    fn resolve_name(&self, name: &'a ast::ExprName, scope: ScopeId, steps: usize) -> Option<QualifiedName> {
        let bindings = self.bindings(name.id.as_str(), scope);
        if bindings.is_empty() {
            return self.stars.leave(name.id.as_str()).then(|| QualifiedName::of(&format!("builtins.{}", name.id)));
        }
        self.agreed(bindings, |binding| self.resolve_origin(binding, steps))
    }

    pub(super) fn resolve_origin(&self, binding: &Binding<'a>, steps: usize) -> Option<QualifiedName> {
        match &binding.origin {
            Origin::Import(name) => Some(name.clone()),
            Origin::Function(_, scope) | Origin::Class(scope) => Some(self.qualified(*scope)),
            Origin::Value(value @ (Expr::Name(_) | Expr::Attribute(_))) => self.resolve_in(value, binding.scope, steps),
            _ => None,
        }
    }

    /// The file's own function that an expression names, with its scope; `None` when it may be another.
    pub fn definition(&self, expr: &'a Expr, scope: ScopeId) -> Option<(&'a ast::StmtFunctionDef, ScopeId)> {
        let bindings = match expr {
            Expr::Name(name) => self.bindings(name.id.as_str(), scope),
            Expr::Attribute(attribute) => {
                let class = self.class_of(&attribute.value, scope, STEPS)?;
                self.scopes[class.0].names.get(attribute.attr.as_str())?
            }
            _ => return None,
        };
        match bindings {
            [Binding { origin: Origin::Function(def, own), .. }] => Some((def, *own)),
            _ => None,
        }
    }

    /// The value that a name always holds, when it is bound once; any other expression is its own value.
    pub fn value_of(&self, expr: &'a Expr, scope: ScopeId) -> Option<&'a Expr> {
        let Expr::Name(name) = expr else { return Some(expr) };
        match self.bindings(name.id.as_str(), scope) {
            [Binding { origin: Origin::Value(value) | Origin::Annotated(_, Some(value)), .. }] => Some(value),
            _ => None,
        }
    }

    /// What a class's method or attribute of this name is called; `None` where it holds a value, or nothing is known.
    fn member(&self, class: ScopeId, name: &str, steps: usize) -> Option<QualifiedName> {
        let here = &self.scopes[class.0];
        if let Some(bindings) = here.names.get(name) {
            return self.agreed(bindings, |binding| self.resolve_origin(binding, steps));
        }
        let bindings = here.attributes.get(name)?;
        self.agreed(bindings, |binding| self.resolve_origin(binding, steps))
    }

    /// The file's own class that an expression is an instance of.
    pub(super) fn class_of(&self, expr: &'a Expr, scope: ScopeId, steps: usize) -> Option<ScopeId> {
        if let Expr::Name(name) = expr
            && let Some(class) = self.class_of_receiver(name.id.as_str(), scope)
        {
            return Some(class);
        }
        let instance = self.instance_in(expr, scope, steps)?;
        self.own_class(&instance)
    }

    /// The scope of the file's own class of this name, where there is one and no more.
    pub(super) fn own_class(&self, name: &QualifiedName) -> Option<ScopeId> {
        let rest = name.strip_prefix(self.module.name.as_str())?.strip_prefix('.')?;
        let mut at = ScopeId::MODULE;
        for part in rest.split('.') {
            let [Binding { origin: Origin::Class(scope), .. }] = self.scopes[at.0].names.get(part)?.as_slice() else {
                return None;
            };
            at = *scope;
        }
        matches!(self.kind(at), ScopeKind::Class(_)).then_some(at)
    }

    /// What all bindings agree on. A binding to `None` says nothing either way: it is what a name holds before.
    pub(super) fn agreed<T: PartialEq>(
        &self,
        bindings: &[Binding<'a>],
        tell: impl Fn(&Binding<'a>) -> Option<T>,
    ) -> Option<T> {
        let mut agreed: Option<T> = None;
        for binding in bindings.iter().filter(|binding| !binding.is_nothing()) {
            let told = tell(binding)?;
            if agreed.as_ref().is_some_and(|agreed| *agreed != told) {
                return None;
            }
            agreed = Some(told);
        }
        agreed
    }

    fn canonical(&self, name: QualifiedName) -> QualifiedName {
        self.kinds.same(&name).map_or(name, QualifiedName::of)
    }
}

impl Binding<'_> {
    /// Whether it binds `None`, or nothing yet.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.origin, Origin::Value(Expr::NoneLiteral(_)) | Origin::Parameter(None, Some(Expr::NoneLiteral(_))))
    }
}
