//! The calls in a piece of code, those of functions defined in it left out: these run elsewhere. And all calls of a
//! file, each with where it stands.

use super::names::scoping::{Scoped, below_expr, below_stmt};
use super::names::{Names, ScopeId, ScopeKind};
use super::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use super::python::ast::{Expr, ExprCall, Stmt};
use super::python::{Ranged, Source, TextRange};

/// A call, with where it stands in its file.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// The call.
    pub call: &'a ExprCall,
    /// The scope that it is in.
    pub scope: ScopeId,
    /// The innermost loop of the function that it is in, which runs it again and again.
    pub in_loop: Option<TextRange>,
}

/// All calls of a file, in order.
pub fn in_file<'a>(source: &'a Source, names: &Names<'a>) -> Vec<Placed<'a>> {
    let mut placing = Placing { names, scope: ScopeId::MODULE, loops: vec![None], placed: Vec::new() };
    placing.visit_body(source.body());
    placing.placed
}

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

struct Placing<'a, 'n> {
    names: &'n Names<'a>,
    scope: ScopeId,
    /// The loop around, for each scope and loop that the walk is in.
    loops: Vec<Option<TextRange>>,
    placed: Vec<Placed<'a>>,
}

impl<'a> Placing<'a, '_> {
    fn again(&mut self, each: &impl Ranged, by: impl FnOnce(&mut Self)) {
        self.loops.push(Some(each.range()));
        by(self);
        self.loops.pop();
    }
}

impl<'a> Scoped<'a> for Placing<'a, '_> {
    fn enter(&mut self, node: TextRange) {
        self.scope = self.names.scope_of(node).unwrap_or(self.scope);
        let comprehends = matches!(self.names.kind(self.scope), ScopeKind::Comprehension);
        self.loops.push(comprehends.then_some(node));
    }

    fn leave(&mut self) {
        self.scope = self.names.parent(self.scope).unwrap_or(ScopeId::MODULE);
        self.loops.pop();
    }
}

impl<'a> Visitor<'a> for Placing<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.again(each, |placing| placing.visit_body(&each.body));
                self.visit_body(&each.orelse);
            }
            Stmt::While(each) => {
                self.again(each, |placing| {
                    placing.visit_expr(&each.test);
                    placing.visit_body(&each.body);
                });
                self.visit_body(&each.orelse);
            }
            _ => below_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            let in_loop = self.loops.last().copied().flatten();
            self.placed.push(Placed { call, scope: self.scope, in_loop });
        }
        below_expr(self, expr);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}
