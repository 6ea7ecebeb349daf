//! Which variable an expression is: where it lives, and what it is ever given. Two expressions of one file mean the
//! same place in memory, as far as source tells, when their variables are equal.

use super::{Binding, Names, Origin, QualifiedName, ScopeId, ScopeKind};
use crate::source::python::ast::{self, Expr};

/// A name in the scope that binds it, or an attribute that a class's methods reach on their instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variable<'a> {
    /// The scope that binds it; the class's, for an attribute.
    pub home: ScopeId,
    /// Its name.
    pub name: &'a str,
    /// Whether it is an attribute of an instance.
    pub of_instance: bool,
}

impl<'a> Names<'a> {
    /// The variable that an expression is; `None` for what is no variable, or is bound by nothing in the file.
    pub fn variable(&self, expr: &'a Expr, scope: ScopeId) -> Option<Variable<'a>> {
        match expr {
            Expr::Name(name) => {
                let name = name.id.as_str();
                Some(Variable { home: self.home(name, scope)?, name, of_instance: false })
            }
            Expr::Attribute(attribute) => {
                let Expr::Name(owner) = &*attribute.value else { return None };
                let home = self.class_of_receiver(owner.id.as_str(), scope)?;
                Some(Variable { home, name: attribute.attr.as_str(), of_instance: true })
            }
            _ => None,
        }
    }

    /// The values that a variable is given, each with the scope to read it in, also by entering them as context
    /// managers; what it is given by a loop, a call of its function or an operator is left out.
    pub fn values(&self, variable: Variable<'a>) -> impl Iterator<Item = (&'a Expr, ScopeId)> {
        self.given(variable).filter_map(|binding| Some((binding.value()?, binding.scope)))
    }

    /// The value that a variable always has, `None` before that aside.
    pub fn only_value(&self, variable: Variable<'a>) -> Option<(&'a Expr, ScopeId)> {
        let mut given = self.given(variable).filter(|binding| !binding.is_nothing());
        let only = given.next().filter(|_| given.next().is_none())?;
        Some((only.value()?, only.scope))
    }

    /// The value that an expression always has: a variable's only one, any other expression itself.
    pub fn value_behind(&self, expr: &'a Expr, scope: ScopeId) -> Option<(&'a Expr, ScopeId)> {
        if !matches!(expr, Expr::Name(_) | Expr::Attribute(_)) {
            return Some((expr, scope));
        }
        self.only_value(self.variable(expr, scope)?)
    }

    /// How often a variable is bound.
    pub fn times_bound(&self, variable: Variable<'a>) -> usize {
        self.given(variable).count()
    }

    /// What the bases of the file's own class of this name are, as far as known; none for another's.
    pub fn bases(&self, class: &QualifiedName) -> Vec<QualifiedName> {
        let Some(own) = self.own_class(class) else { return Vec::new() };
        let (ScopeKind::Class(def), Some(around)) = (self.kind(own), self.parent(own)) else { return Vec::new() };
        def.bases().iter().filter_map(|base| self.resolve(base, around)).collect()
    }

    /// The method of this name of the file's own class.
    pub fn method(&self, class: &QualifiedName, name: &str) -> Option<(&'a ast::StmtFunctionDef, ScopeId)> {
        let own = self.own_class(class)?;
        match self.scopes[own.0].names.get(name)?.as_slice() {
            [Binding { origin: Origin::Function(def, scope), .. }] => Some((def, *scope)),
            _ => None,
        }
    }

    fn given(&self, variable: Variable<'a>) -> impl Iterator<Item = &Binding<'a>> {
        let here = &self.scopes[variable.home.0];
        let attributes = here.attributes.get(variable.name).filter(|_| variable.of_instance);
        [here.names.get(variable.name), attributes].into_iter().flatten().flatten()
    }
}

impl<'a> Binding<'a> {
    fn value(&self) -> Option<&'a Expr> {
        match self.origin {
            Origin::Value(value) | Origin::Entered(value) | Origin::Annotated(_, Some(value)) => Some(value),
            _ => None,
        }
    }
}
