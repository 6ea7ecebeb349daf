//! Calls of the program's own functions that are made once for each item: in a loop, a comprehension, by `map`. Each
//! could be the task of an executor. Pure.
//!
//! Which of them the time is in, and what a name really meant, is known only when the program runs. What one iteration
//! hands to the next is `carry`'s.

pub(super) mod carry;

use super::definitions::{Definition, Definitions, dotted};
use super::program::{Module, Program};
use super::python::{Ranged, TextRange, ast};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use std::fmt;
use std::path::{Path, PathBuf};

/// One such call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The file that it is in.
    pub path: PathBuf,
    /// The lines that the call goes over.
    pub lines: (usize, usize),
    /// The line that the loop begins at.
    pub loop_line: usize,
    /// What sort of loop that is.
    pub form: Form,
    /// The function as it is written there.
    pub written: String,
    /// What that may mean; never empty.
    pub meant: Vec<Definition>,
    /// Whether anything is done with what a call returns.
    pub kept: bool,
    /// Why the calls cannot be made at the same time; `None` when nothing is in the way.
    pub carried: Option<String>,
    /// What a concurrent loop would do otherwise, a clause.
    pub doubt: Option<String>,
}

/// A sort of loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `for`.
    For,
    /// `while`.
    While,
    /// A comprehension or a generator expression.
    Comprehension,
    /// `map` and its kin.
    Map,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::For | Self::While => "loop",
            Self::Comprehension => "comprehension",
            Self::Map => "map",
        })
    }
}

/// What was found in a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loops {
    /// Calls of its own functions.
    pub sites: Vec<Site>,
    /// Files that were looked at.
    pub files: usize,
    /// Loops in them.
    pub loops: usize,
}

impl Loops {
    /// All that a program's own files hold.
    pub fn of(program: &Program) -> Self {
        let definitions = Definitions::of(program);
        let mut found = Self { files: program.modules.len(), ..Self::default() };
        for (at, module) in program.modules.iter().enumerate() {
            let mut walk = Walk {
                definitions: &definitions,
                at,
                module,
                around: Vec::new(),
                loops: Vec::new(),
                found: &mut found,
            };
            let whole = Statement { range: TextRange::default(), kept: true, awaited: None };
            walk.body(module.source.body(), &whole);
        }
        found
    }

    /// Every function that one of the sites may call, each once and in order.
    pub fn definitions(&self) -> Vec<Definition> {
        let mut all: Vec<Definition> = self.sites.iter().flat_map(|site| site.meant.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }
}

impl Site {
    /// Whether a call seen at that line is this one.
    pub fn made_at(&self, path: &Path, line: usize) -> bool {
        self.path == path && (self.lines.0..=self.lines.1).contains(&line)
    }
}

/// A loop that the walk is in.
#[derive(Clone, Copy)]
struct Around<'a> {
    line: usize,
    form: Form,
    /// `None` for comprehensions, which hand nothing on.
    statement: Option<&'a ast::Stmt>,
}

/// The statement that the walk is in.
#[derive(Clone, Copy)]
struct Statement {
    range: TextRange,
    kept: bool,
    /// The call that is awaited.
    awaited: Option<TextRange>,
}

struct Walk<'a, 'b> {
    definitions: &'b Definitions,
    at: usize,
    module: &'a Module,
    around: Vec<String>,
    loops: Vec<Around<'a>>,
    found: &'b mut Loops,
}

impl<'a> Walk<'a, '_> {
    fn line(&self, ranged: &impl Ranged) -> usize {
        self.module.source.place(ranged.start()).line
    }

    fn body(&mut self, body: &'a [ast::Stmt], statement: &Statement) {
        let mut step = Step { walk: self, statement: *statement };
        body.iter().for_each(|one| step.visit_stmt(one));
    }

    /// Walks what is run once for each item.
    fn inside(&mut self, around: Around<'a>, walk: impl FnOnce(&mut Self)) {
        self.loops.push(around);
        walk(self);
        self.loops.pop();
    }

    /// Walks what is run when it is called, and not once for each item of the loops around it.
    fn defined(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        self.around.push(name.to_owned());
        let loops = std::mem::take(&mut self.loops);
        walk(self);
        self.loops = loops;
        self.around.pop();
    }

    fn call(&mut self, function: &ast::Expr, call: &ast::ExprCall, form: Option<Form>, statement: &Statement) {
        let around = self.loops.last().copied();
        let Some(form) = form.or(around.map(|around| around.form)) else { return };
        let mut meant = self.definitions.meant(self.at, &self.around, function);
        // A coroutine function that is not awaited on the spot is run at the same time as others already.
        meant.retain(|definition| !definition.coroutine || statement.awaited == Some(call.range()));
        if meant.is_empty() {
            return;
        }
        let source = &self.module.source;
        let around = around.filter(|_| form != Form::Map);
        let (carried, doubt) = match around.and_then(|around| around.statement) {
            Some(inside) => {
                let at = |offset| source.place(offset).line;
                (carry::carried(inside, call, statement.range), carry::doubt(inside, call, statement.range, &at))
            }
            None => (None, None),
        };
        let written = dotted(function).unwrap_or_else(|| "a lambda".to_owned());
        self.found.sites.push(Site {
            path: source.path.clone(),
            lines: (source.place(call.start()).line, source.place(call.end()).line),
            loop_line: around.map_or_else(|| self.line(call), |around| around.line),
            form,
            written,
            meant,
            kept: statement.kept || form == Form::Map,
            carried,
            doubt,
        });
    }
}

/// The walk within one statement.
struct Step<'s, 'a, 'b> {
    walk: &'s mut Walk<'a, 'b>,
    statement: Statement,
}

impl<'a> Step<'_, 'a, '_> {
    fn each(&mut self, around: Around<'a>, walk: impl FnOnce(&mut Step<'_, 'a, '_>)) {
        self.walk.found.loops += 1;
        let statement = self.statement;
        self.walk.inside(around, |inner| walk(&mut Step { walk: inner, statement }));
    }

    /// The first of the iterables is made once, the rest for each item.
    fn comprehension(
        &mut self,
        whole: &'a ast::Expr,
        generators: &'a [ast::Comprehension],
        elements: &[&'a ast::Expr],
    ) {
        let Some((first, rest)) = generators.split_first() else { return };
        self.visit_expr(&first.iter);
        if generators.iter().any(|generator| generator.is_async) {
            return;
        }
        let around = Around { line: self.walk.line(whole), form: Form::Comprehension, statement: None };
        self.each(around, |inner| {
            inner.statement.kept = true;
            first.ifs.iter().for_each(|test| inner.visit_expr(test));
            for generator in rest {
                inner.visit_expr(&generator.iter);
                generator.ifs.iter().for_each(|test| inner.visit_expr(test));
            }
            elements.iter().for_each(|element| inner.visit_expr(element));
        });
    }
}

impl<'a> Visitor<'a> for Step<'_, 'a, '_> {
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        let before = self.statement;
        let value = statement.as_expr_stmt().map(|one| &*one.value);
        let called = value.map(|value| value.as_await_expr().map_or(value, |awaited| &*awaited.value));
        let kept = !called.is_some_and(ast::Expr::is_call_expr);
        self.statement = Statement { range: statement.range(), kept, awaited: None };
        let line = self.walk.line(statement);
        match statement {
            ast::Stmt::FunctionDef(function) => {
                let own = self.statement;
                self.walk.defined(function.name.as_str(), |inner| inner.body(&function.body, &own));
            }
            ast::Stmt::ClassDef(class) => {
                let own = self.statement;
                self.walk.defined(class.name.as_str(), |inner| inner.body(&class.body, &own));
            }
            ast::Stmt::For(each) if !each.is_async => {
                self.visit_expr(&each.iter);
                let around = Around { line, form: Form::For, statement: Some(statement) };
                self.each(around, |inner| inner.visit_body(&each.body));
                self.visit_body(&each.orelse);
            }
            ast::Stmt::While(each) => {
                self.visit_expr(&each.test);
                let around = Around { line, form: Form::While, statement: Some(statement) };
                self.each(around, |inner| inner.visit_body(&each.body));
                self.visit_body(&each.orelse);
            }
            _ => walk_stmt(self, statement),
        }
        self.statement = before;
    }

    fn visit_expr(&mut self, expression: &'a ast::Expr) {
        match expression {
            ast::Expr::Await(awaited) => {
                self.statement.awaited = Some(awaited.value.range());
                walk_expr(self, expression);
            }
            ast::Expr::Call(call) => {
                let own = self.statement;
                // Only the outermost call of a statement can be one whose result is dropped.
                let outermost = own.range.start() == expression.start() || own.awaited == Some(expression.range());
                let kept = own.kept || !outermost;
                self.walk.call(&call.func, call, None, &Statement { kept, ..own });
                if let Some(mapped) = mapped(call) {
                    self.walk.found.loops += 1;
                    self.walk.call(mapped, call, Some(Form::Map), &own);
                }
                walk_expr(self, expression);
            }
            ast::Expr::ListComp(one) => self.comprehension(expression, &one.generators, &[&*one.elt]),
            ast::Expr::SetComp(one) => self.comprehension(expression, &one.generators, &[&*one.elt]),
            ast::Expr::Generator(one) => self.comprehension(expression, &one.generators, &[&*one.elt]),
            ast::Expr::DictComp(one) => {
                let elements: Vec<&ast::Expr> = one.key.as_deref().into_iter().chain([&*one.value]).collect();
                self.comprehension(expression, &one.generators, &elements);
            }
            ast::Expr::Lambda(_) => {
                let own = self.statement;
                self.walk.defined(super::definitions::LAMBDA, |inner| {
                    walk_expr(&mut Step { walk: inner, statement: own }, expression)
                });
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// The function that `map(f, items)`, `itertools.starmap(f, items)`, `filter(f, items)` call for each item.
fn mapped(call: &ast::ExprCall) -> Option<&ast::Expr> {
    let name = dotted(&call.func)?;
    let each = matches!(name.as_str(), "map" | "filter" | "itertools.starmap" | "starmap");
    call.arguments.args.first().filter(|_| each && call.arguments.args.len() > 1)
}

#[cfg(test)]
mod tests;
