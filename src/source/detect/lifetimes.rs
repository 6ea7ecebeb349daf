//! CON207: pools that outlive their use.

use super::executors::Pool;
use crate::source::finding::Found;
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Node};

/// CON207: a pool that a function builds for itself, and neither shuts down nor gives away.
pub(super) fn never_shut_down<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let target = match at.parent()? {
        Node::Stmt(Stmt::Assign(assign)) => assign.targets.first().filter(|_| assign.targets.len() == 1)?,
        Node::Stmt(Stmt::AnnAssign(assign)) => &*assign.target,
        _ => return None,
    };
    let Expr::Name(name) = target else { return None };
    let def = at.function()?;
    let pool = Pool::built_by(at.callee(call)?)?;
    let names = &at.file.names;
    let variable = names.variable(target, at.scope()).filter(|variable| variable.home == at.scope())?;
    if names.times_bound(variable) > 1 || def.body.iter().any(never_ends) {
        return None;
    }
    let mut uses = Uses { name: name.id.as_str(), used: false, kept: false };
    uses.visit_body(&def.body);
    let message = format!(
        "this {} is never shut down, so its workers outlive what they are for; build it in a `with` statement",
        pool.name
    );
    (uses.used && !uses.kept).then(|| Found::at(call, message))
}

/// Whether a statement is a loop that nothing ends but the program's end.
fn never_ends(stmt: &Stmt) -> bool {
    let Stmt::While(each) = stmt else { return false };
    matches!(&*each.test, Expr::BooleanLiteral(truth) if truth.value)
}

/// What is done with a pool by its name.
struct Uses<'n> {
    name: &'n str,
    /// Whether tasks are sent to it.
    used: bool,
    /// Whether it is shut down, or somebody else gets it and may do so.
    kept: bool,
}

impl Uses<'_> {
    fn is_it(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Name(name) if name.id.as_str() == self.name)
    }

    /// The method that a call calls of it.
    fn method<'a>(&self, call: &'a ast::ExprCall) -> Option<&'a str> {
        let Expr::Attribute(method) = &*call.func else { return None };
        self.is_it(&method.value).then(|| method.attr.as_str())
    }
}

impl<'a> Visitor<'a> for Uses<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        // Who gets a future or an iterator needs the pool for as long.
        if let Stmt::Return(ast::StmtReturn { value: Some(value), .. }) = stmt
            && let Expr::Call(call) = &**value
            && matches!(self.method(call), Some("submit" | "apply_async" | "imap" | "imap_unordered" | "map_async"))
        {
            self.kept = true;
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                if let Some(method) = self.method(call) {
                    self.used = true;
                    self.kept |=
                        matches!(method, "shutdown" | "close" | "terminate" | "join") || method.starts_with('_');
                    self.visit_arguments(&call.arguments);
                    return;
                }
                let lends = matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "run_in_executor");
                if lends && call.arguments.args.first().is_some_and(|first| self.is_it(first)) {
                    self.used = true;
                    call.arguments.args[1..].iter().for_each(|rest| self.visit_expr(rest));
                    return;
                }
            }
            Expr::Name(name) if self.is_it(expr) && !name.ctx.is_store() => self.kept = true,
            _ => {}
        }
        walk_expr(self, expr);
    }
}
