//! The walk that knows which scope it is in: what of a definition is evaluated outside of it, and what inside.
//!
//! Decorators, defaults, annotations, base classes and a comprehension's first iterable belong to the scope around.

use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{Comprehension, Expr, Parameters, Stmt};
use crate::source::python::{Ranged, TextRange};

/// A visitor that follows scopes.
pub trait Scoped<'a>: Visitor<'a> {
    /// The walk goes into the scope of the node with this range.
    fn enter(&mut self, node: TextRange);
    /// The walk goes back to the scope around.
    fn leave(&mut self);
}

/// Walks what is below a statement, each part in its scope.
pub fn below_stmt<'a, V: Scoped<'a>>(visitor: &mut V, stmt: &'a Stmt) {
    match stmt {
        Stmt::FunctionDef(def) => {
            def.decorator_list.iter().for_each(|decorator| visitor.visit_decorator(decorator));
            outside(visitor, &def.parameters);
            if let Some(returns) = &def.returns {
                visitor.visit_annotation(returns);
            }
            visitor.enter(def.range());
            visitor.visit_body(&def.body);
            visitor.leave();
        }
        Stmt::ClassDef(def) => {
            def.decorator_list.iter().for_each(|decorator| visitor.visit_decorator(decorator));
            if let Some(arguments) = &def.arguments {
                visitor.visit_arguments(arguments);
            }
            visitor.enter(def.range());
            visitor.visit_body(&def.body);
            visitor.leave();
        }
        _ => walk_stmt(visitor, stmt),
    }
}

/// Walks what is below an expression, each part in its scope.
pub fn below_expr<'a, V: Scoped<'a>>(visitor: &mut V, expr: &'a Expr) {
    match expr {
        Expr::Lambda(lambda) => {
            if let Some(parameters) = &lambda.parameters {
                outside(visitor, parameters);
            }
            visitor.enter(lambda.range());
            visitor.visit_expr(&lambda.body);
            visitor.leave();
        }
        Expr::ListComp(comp) => comprehension(visitor, comp.range(), &comp.generators, [None, Some(&comp.elt)]),
        Expr::SetComp(comp) => comprehension(visitor, comp.range(), &comp.generators, [None, Some(&comp.elt)]),
        Expr::Generator(comp) => comprehension(visitor, comp.range(), &comp.generators, [None, Some(&comp.elt)]),
        Expr::DictComp(comp) => {
            comprehension(visitor, comp.range(), &comp.generators, [comp.key.as_deref(), Some(&comp.value)]);
        }
        _ => walk_expr(visitor, expr),
    }
}

/// What of parameters is evaluated where the function is defined.
fn outside<'a, V: Scoped<'a>>(visitor: &mut V, parameters: &'a Parameters) {
    visitor.visit_parameters(parameters);
}

fn comprehension<'a, V: Scoped<'a>>(
    visitor: &mut V,
    node: TextRange,
    generators: &'a [Comprehension],
    elements: [Option<&'a Expr>; 2],
) {
    if let Some(first) = generators.first() {
        visitor.visit_expr(&first.iter);
    }
    visitor.enter(node);
    for (index, generator) in generators.iter().enumerate() {
        visitor.visit_expr(&generator.target);
        if index > 0 {
            visitor.visit_expr(&generator.iter);
        }
        generator.ifs.iter().for_each(|test| visitor.visit_expr(test));
    }
    elements.into_iter().flatten().for_each(|element| visitor.visit_expr(element));
    visitor.leave();
}
