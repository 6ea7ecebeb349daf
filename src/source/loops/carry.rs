//! What one iteration of a loop hands to the next, so that the calls in it cannot, or not simply, be made at once.
//!
//! By names in one function: what a called function does to objects that it is given shows only when it runs.

use crate::source::definitions::dotted;
use crate::source::python::{Ranged, TextRange, TextSize, ast};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use std::collections::BTreeSet;

/// Methods by which collections get longer.
const GROW: [&str; 9] =
    ["append", "appendleft", "extend", "extendleft", "add", "update", "put", "insert", "put_nowait"];

/// Why a call needs what the one before made, a clause: it reads a name that the loop sets from its result.
pub(in crate::source) fn carried(inside: &ast::Stmt, call: &ast::ExprCall, statement: TextRange) -> Option<String> {
    let made = made_of(body(inside), statement);
    let given = target(inside);
    let name = call_names(call).into_iter().find(|name| !given.contains(name) && made.contains(name))?;
    Some(format!("each call needs {name}, which is made of what the call before it returned"))
}

/// What else a concurrent loop would do otherwise, a clause.
pub(super) fn doubt(
    inside: &ast::Stmt,
    call: &ast::ExprCall,
    statement: TextRange,
    line: &dyn Fn(TextSize) -> usize,
) -> Option<String> {
    let body = body(inside);
    if let Some(place) = ends_by(body, call, statement) {
        return Some(format!("the loop may end at line {}, and later calls would have begun by then", line(place)));
    }
    let ast::Stmt::While(each) = inside else { return None };
    let mut names = Names::default();
    names.visit_expr(&each.test);
    let mut read = names.read;
    read.extend(call_names(call));
    let grown = Names::of_body(body).grown.into_iter().find(|(name, _)| read.contains(name));
    grown.map(|(name, place)| format!("the loop itself adds to {name} (line {})", line(place)))
}

fn body(inside: &ast::Stmt) -> &[ast::Stmt] {
    match inside {
        ast::Stmt::For(each) => &each.body,
        ast::Stmt::While(each) => &each.body,
        _ => &[],
    }
}

/// Names that the loop itself sets for each item.
fn target(inside: &ast::Stmt) -> BTreeSet<String> {
    let mut names = Names::default();
    if let ast::Stmt::For(each) = inside {
        names.visit_expr(&each.target);
    }
    names.set
}

/// Names that a call reads: in its arguments, and whose method it is.
fn call_names(call: &ast::ExprCall) -> BTreeSet<String> {
    let mut names = Names::default();
    if let ast::Expr::Attribute(method) = &*call.func {
        names.visit_expr(&method.value);
    }
    names.visit_arguments(&call.arguments);
    names.read
}

/// Names that are set from what the call in that statement returned, directly or through others.
fn made_of(body: &[ast::Stmt], statement: TextRange) -> BTreeSet<String> {
    let flows = Names::of_body(body).flows;
    let mut made = BTreeSet::new();
    loop {
        let before = made.len();
        for flow in &flows {
            if statement.contains_range(flow.range) || flow.read.iter().any(|name| made.contains(name)) {
                made.extend(flow.set.iter().cloned());
            }
        }
        if made.len() == before {
            return made;
        }
    }
}

/// Where the loop is left because of what a call returned.
fn ends_by(body: &[ast::Stmt], call: &ast::ExprCall, statement: TextRange) -> Option<TextSize> {
    let made = made_of(body, statement);
    Names::of_body(body).leaves.iter().find_map(|(tests, place)| {
        let asks = tests.iter().any(|test| {
            let mut names = Names::default();
            names.visit_expr(test);
            test.range().contains_range(call.range()) || names.read.iter().any(|name| made.contains(name))
        });
        asks.then_some(*place)
    })
}

/// What happens to names in some statements; functions defined among them do nothing until they are called.
#[derive(Default)]
struct Names<'a> {
    read: BTreeSet<String>,
    set: BTreeSet<String>,
    flows: Vec<Flow>,
    grown: Vec<(String, TextSize)>,
    /// `break` and `return`, each with the conditions that it is under.
    leaves: Vec<(Vec<&'a ast::Expr>, TextSize)>,
    tests: Vec<&'a ast::Expr>,
    deeper: usize,
}

/// A statement that sets names from others.
struct Flow {
    set: BTreeSet<String>,
    read: BTreeSet<String>,
    range: TextRange,
}

impl<'a> Names<'a> {
    /// Notes that `to` is set from `from`; whatever is read in a target (`names[i] = …`) is changed by it.
    fn flow(&mut self, to: &[&'a ast::Expr], from: Option<&'a ast::Expr>, range: TextRange) {
        let (mut set, mut read) = (Names::default(), Names::default());
        to.iter().for_each(|target| set.visit_expr(target));
        from.into_iter().for_each(|value| read.visit_expr(value));
        self.flows.push(Flow { set: set.set.into_iter().chain(set.read).collect(), read: read.read, range });
    }

    fn of_body(body: &'a [ast::Stmt]) -> Self {
        let mut names = Self::default();
        body.iter().for_each(|statement| names.visit_stmt(statement));
        names
    }
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        match statement {
            ast::Stmt::FunctionDef(_) | ast::Stmt::ClassDef(_) => {}
            ast::Stmt::If(branch) => {
                self.tests.push(&branch.test);
                self.tests.extend(branch.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref()));
                let tests = self.tests.len();
                walk_stmt(self, statement);
                self.tests.truncate(tests - 1 - branch.elif_else_clauses.iter().filter(|c| c.test.is_some()).count());
            }
            ast::Stmt::For(_) | ast::Stmt::While(_) => {
                if let ast::Stmt::For(each) = statement {
                    self.flow(&[&each.target], Some(&each.iter), each.iter.range());
                }
                self.deeper += 1;
                walk_stmt(self, statement);
                self.deeper -= 1;
            }
            ast::Stmt::Break(_) if self.deeper == 0 => self.leaves.push((self.tests.clone(), statement.start())),
            ast::Stmt::Return(_) => {
                self.leaves.push((self.tests.clone(), statement.start()));
                walk_stmt(self, statement);
            }
            ast::Stmt::Assign(assign) => {
                let targets: Vec<&ast::Expr> = assign.targets.iter().collect();
                self.flow(&targets, Some(&assign.value), statement.range());
                walk_stmt(self, statement);
            }
            ast::Stmt::AnnAssign(assign) => {
                self.flow(&[&assign.target], assign.value.as_deref(), statement.range());
                walk_stmt(self, statement);
            }
            ast::Stmt::AugAssign(assign) => {
                self.flow(&[&assign.target], Some(&assign.value), statement.range());
                self.grown.extend(dotted(&assign.target).map(|name| (name, statement.start())));
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a ast::Expr) {
        // `self.state` is a name here: setting it is not setting all of `self`.
        if let Some(name) = dotted(expression) {
            let stored = match expression {
                ast::Expr::Name(name) => !name.ctx.is_load(),
                ast::Expr::Attribute(attribute) => !attribute.ctx.is_load(),
                _ => false,
            };
            (if stored { &mut self.set } else { &mut self.read }).insert(name);
            return;
        }
        if let ast::Expr::Call(call) = expression
            && let ast::Expr::Attribute(method) = &*call.func
            && let Some(name) = dotted(&method.value)
        {
            if GROW.contains(&method.attr.as_str()) {
                self.grown.push((name.clone(), call.start()));
            }
            self.read.insert(name);
        }
        if !expression.is_lambda_expr() {
            walk_expr(self, expression);
        }
    }
}
