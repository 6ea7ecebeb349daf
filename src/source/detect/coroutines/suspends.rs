//! Where a piece of code lets the event loop go on, in its own code: functions and lambdas defined there run elsewhere.

use crate::source::python::ast::visitor::{Visitor, walk_comprehension, walk_expr, walk_stmt};
use crate::source::python::ast::{Comprehension, Expr, ExprAwait, Stmt};
use crate::source::python::{Ranged, TextSize};

/// What of some statements suspends, and what ends them early.
#[derive(Default)]
pub(super) struct Suspends<'a> {
    /// What is awaited, in order.
    pub awaits: Vec<&'a ExprAwait>,
    /// How many `async for`, `async with` and asynchronous comprehensions there are.
    pub others: usize,
    /// How many `yield` there are.
    pub yields: usize,
    /// How many `break`, `return` and `raise` there are.
    pub leaves: usize,
    /// Where the last of what suspends begins.
    pub last: Option<TextSize>,
}

impl<'a> Suspends<'a> {
    /// Of some statements.
    pub fn of(body: &'a [Stmt]) -> Self {
        let mut suspends = Self::default();
        suspends.visit_body(body);
        suspends
    }

    /// Whether the event loop goes on anywhere in them.
    pub fn any(&self) -> bool {
        !self.awaits.is_empty() || self.others > 0 || self.yields > 0
    }

    fn other(&mut self, node: &impl Ranged) {
        self.others += 1;
        self.last = self.last.max(Some(node.start()));
    }
}

impl<'a> Visitor<'a> for Suspends<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::For(each) if each.is_async => self.other(each),
            Stmt::With(with) if with.is_async => self.other(with),
            Stmt::Break(_) | Stmt::Return(_) | Stmt::Raise(_) => self.leaves += 1,
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(_) => return,
            Expr::Await(awaited) => {
                self.awaits.push(awaited);
                self.last = self.last.max(Some(awaited.start()));
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => self.yields += 1,
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        if comprehension.is_async {
            self.other(&comprehension.range);
        }
        walk_comprehension(self, comprehension);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}
