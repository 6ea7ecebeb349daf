//! The calls in a piece of code, those of functions defined in it left out: these run elsewhere.

use super::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use super::python::ast::{Expr, ExprCall, Stmt};

/// Calls in a body, in order of evaluation from the outside in.
pub fn in_body(body: &[Stmt]) -> Vec<&ExprCall> {
    let mut calls = Calls::default();
    calls.visit_body(body);
    calls.0
}

/// Calls in an expression, itself included.
pub fn in_expr(expr: &Expr) -> Vec<&ExprCall> {
    let mut calls = Calls::default();
    calls.visit_expr(expr);
    calls.0
}

#[derive(Default)]
struct Calls<'a>(Vec<&'a ExprCall>);

impl<'a> Visitor<'a> for Calls<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(_) => return,
            Expr::Call(call) => self.0.push(call),
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}
