//! Parts of a function that a call of it most often passes by: what is done the first time only, what an optional
//! argument asks for, and what ends the program. Nobody waits there twice, or at all, so no way to a blocking call is
//! followed through them.

use crate::source::definitions::dotted;
use crate::source::python::ast::{self, BoolOp, CmpOp, Expr, Stmt, UnaryOp};
use crate::source::python::{Ranged, TextRange};
use rustc_hash::FxHashMap;

/// The ranges of a function's own code that are passed by.
pub(super) fn parts(def: &ast::StmtFunctionDef) -> Vec<TextRange> {
    let mut all = Vec::new();
    statements(&def.body, &mut |stmt| all.push(stmt));
    if !all.iter().any(|stmt| stmt.is_if_stmt()) {
        return Vec::new();
    }
    let mut reader = Reader { known: FxHashMap::default(), parts: Vec::new(), all };
    reader.learn(def);
    reader.block(&def.body);
    reader.parts
}

struct Reader<'a> {
    /// Every statement of the function, those of nested functions left out.
    all: Vec<&'a Stmt>,
    /// What names hold when no optional argument is given; `None` when that is not known.
    known: FxHashMap<&'a str, Option<Value<'a>>>,
    parts: Vec<TextRange>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    /// A parameter's default.
    Default(&'a Expr),
    /// What a variable is assigned, once.
    Assigned(&'a Expr),
}

impl<'a> Reader<'a> {
    fn learn(&mut self, def: &'a ast::StmtFunctionDef) {
        for one in def.parameters.iter_non_variadic_params() {
            self.known.insert(one.parameter.name.as_str(), one.default.as_deref().map(Value::Default));
        }
        for stmt in self.all.clone() {
            let (targets, value) = match stmt {
                Stmt::Assign(assign) => (assign.targets.as_slice(), Some(&*assign.value)),
                Stmt::AugAssign(assign) => (std::slice::from_ref(&*assign.target), None),
                Stmt::AnnAssign(assign) => (std::slice::from_ref(&*assign.target), assign.value.as_deref()),
                Stmt::For(each) => (std::slice::from_ref(&*each.target), None),
                _ => continue,
            };
            for target in targets {
                if let Expr::Name(name) = target {
                    let bound_before = self.known.contains_key(name.id.as_str());
                    let value = value.map(Value::Assigned).filter(|_| !bound_before);
                    self.known.insert(name.id.as_str(), value);
                }
            }
        }
    }

    fn block(&mut self, body: &'a [Stmt]) {
        let end = body.last().map(Ranged::end).unwrap_or_default();
        for stmt in body {
            let Stmt::If(test) = stmt else { continue };
            let (Some(first), Some(last)) = (test.body.first(), test.body.last()) else { continue };
            let inside = TextRange::new(first.start(), last.end());
            let first_time = unset(&test.test).is_some_and(|flag| self.sets(&flag, inside));
            if first_time || self.without_arguments(&test.test, 4) == Some(false) || ends_the_program(&test.body) {
                self.parts.push(inside);
            }
            let rest = TextRange::new(stmt.end(), end.max(stmt.end()));
            if last.is_return_stmt() && set(&test.test).is_some_and(|flag| self.sets(&flag, rest)) {
                self.parts.push(rest);
            }
        }
        for stmt in body {
            below(stmt, &mut |body| self.block(body));
        }
    }

    /// Whether something in a range assigns to what a flag's text names: to an attribute, or to a global variable.
    fn sets(&self, flag: &str, range: TextRange) -> bool {
        let is_global = |name: &str| {
            let declares = |stmt: &&Stmt| matches!(stmt, Stmt::Global(global) if global.names.iter().any(|declared| declared.as_str() == name));
            self.all.iter().any(declares)
        };
        let is_flag = |target: &Expr| dotted(target).is_some_and(|target| target == flag);
        let assigns = |stmt: &&Stmt| match stmt {
            Stmt::Assign(assign) => assign.targets.iter().any(is_flag),
            Stmt::AnnAssign(assign) => is_flag(&assign.target),
            _ => false,
        };
        (flag.contains('.') || is_global(flag))
            && self.all.iter().filter(|stmt| range.contains_range(stmt.range())).any(assigns)
    }

    /// What a condition is when no optional argument is given.
    fn without_arguments(&self, test: &Expr, steps: usize) -> Option<bool> {
        let steps = steps.checked_sub(1)?;
        let value = |expr: &Expr| match expr {
            Expr::Name(name) => self.known.get(name.id.as_str()).copied().flatten(),
            _ => None,
        };
        match test {
            Expr::Name(_) => match value(test)? {
                Value::Default(Expr::NoneLiteral(_)) => Some(false),
                Value::Default(Expr::BooleanLiteral(default)) => Some(default.value),
                Value::Default(_) => None,
                Value::Assigned(value) => self.without_arguments(value, steps),
            },
            Expr::UnaryOp(ast::ExprUnaryOp { op: UnaryOp::Not, operand, .. }) => {
                self.without_arguments(operand, steps).map(|is| !is)
            }
            Expr::BoolOp(ast::ExprBoolOp { op, values, .. }) => {
                let mut told = values.iter().map(|value| self.without_arguments(value, steps));
                let decides = *op == BoolOp::Or;
                if told.any(|one| one == Some(decides)) { Some(decides) } else { None }
            }
            Expr::Compare(compare) => {
                let Some(Value::Default(default)) = value(&compare.left) else { return None };
                let is_nothing = default.is_none_literal_expr();
                let asked = |op| is_none(compare, op);
                asked(CmpOp::Is).then_some(is_nothing).or(asked(CmpOp::IsNot).then_some(!is_nothing))
            }
            _ => None,
        }
    }
}

/// The flag of which a condition needs that it is not set yet: `not self.ready`, `cls.one is None and …`.
fn unset(test: &Expr) -> Option<String> {
    match test {
        Expr::UnaryOp(ast::ExprUnaryOp { op: UnaryOp::Not, operand, .. }) => dotted(operand),
        Expr::Compare(compare) if is_none(compare, CmpOp::Is) => dotted(&compare.left),
        Expr::BoolOp(ast::ExprBoolOp { op: BoolOp::And, values, .. }) => values.iter().find_map(unset),
        _ => None,
    }
}

/// The flag that makes a condition true by being set: `self.ready`, `cls.one is not None or …`.
fn set(test: &Expr) -> Option<String> {
    match test {
        Expr::Name(_) | Expr::Attribute(_) => dotted(test),
        Expr::Compare(compare) if is_none(compare, CmpOp::IsNot) => dotted(&compare.left),
        Expr::BoolOp(ast::ExprBoolOp { op: BoolOp::Or, values, .. }) => values.iter().find_map(set),
        _ => None,
    }
}

/// Whether a comparison is one with `None` alone.
fn is_none(compare: &ast::ExprCompare, op: CmpOp) -> bool {
    *compare.ops == [op] && matches!(&*compare.comparators, [Expr::NoneLiteral(_)])
}

fn ends_the_program(body: &[Stmt]) -> bool {
    let Some(Stmt::Expr(last)) = body.last() else { return false };
    let Expr::Call(call) = &*last.value else { return false };
    dotted(&call.func).is_some_and(|callee| matches!(callee.as_str(), "sys.exit" | "os._exit"))
}

/// Tells of every statement of a body, nested functions and classes left out.
fn statements<'a>(body: &'a [Stmt], tell: &mut dyn FnMut(&'a Stmt)) {
    for stmt in body {
        tell(stmt);
        below(stmt, &mut |body| statements(body, tell));
    }
}

/// Tells of the bodies directly in a statement.
fn below<'a>(stmt: &'a Stmt, tell: &mut dyn FnMut(&'a [Stmt])) {
    match stmt {
        Stmt::If(test) => {
            tell(&test.body);
            test.elif_else_clauses.iter().for_each(|clause| tell(&clause.body));
        }
        Stmt::For(each) => {
            tell(&each.body);
            tell(&each.orelse);
        }
        Stmt::While(each) => {
            tell(&each.body);
            tell(&each.orelse);
        }
        Stmt::With(with) => tell(&with.body),
        Stmt::Try(tried) => {
            tell(&tried.body);
            for ast::ExceptHandler::ExceptHandler(handler) in &tried.handlers {
                tell(&handler.body);
            }
            tell(&tried.orelse);
            tell(&tried.finalbody);
        }
        Stmt::Match(chosen) => chosen.cases.iter().for_each(|case| tell(&case.body)),
        _ => {}
    }
}
