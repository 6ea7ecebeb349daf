//! How some of what detectors find is mended. Each gives `None` where that is not surely right; whether it is safe says
//! the fix.

use crate::source::catalogue::Group;
use crate::source::finding::Fix;
use crate::source::python::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::python::{Ranged, Source, TextRange, TextSize};
use crate::source::walk::{At, Node};
use std::collections::HashSet;

const GUARD: &str = "if __name__ == \"__main__\":";

/// What waits for something that another thread can wait for as well. Connections of databases belong to the thread
/// that made them.
const MOVABLE: [&str; 7] = ["http", "cache", "cloud", "subprocess", "terminal", "table", "file"];
/// Of these, what only begins to wait: what is done with it waits here.
const BEGINNINGS: [&str; 3] = ["open", "stream", "popen"];

/// CON204: everything from the statement around `node` to the end of the file goes below a `__main__` guard. Safe where
/// the file is a script there: the names that are bound in that part are read in it and nowhere else, and nothing is
/// defined or imported that a worker could want.
pub(super) fn guard(at: &At<'_>, node: &impl Ranged) -> Option<Fix> {
    let source = at.file.source;
    let body = source.body();
    let first = body.iter().position(|stmt| stmt.range().contains_range(node.range()))?;
    let (before, block) = body.split_at(first);
    let range = TextRange::new(block.first()?.start(), block.last()?.end());
    let alone = source.place(range.start()).column == 1;
    let package = source.path.file_name().is_some_and(|name| name == "__init__.py");
    let text = source.text_of(&range);
    // Where a lone carriage return ends lines, or is in a string, lines are not counted as they are here.
    let odd = text.split('\r').skip(1).any(|after| !after.starts_with('\n'));
    if !alone || odd || package || text.contains("__name__") || source.text.contains("__all__") {
        return None;
    }
    let inside = Reads::of(block);
    let outside = Reads::of(before);
    let own = |name: &str| inside.read.contains(name) && !outside.read.contains(name) && !outside.bound.contains(name);
    if inside.defines || !inside.bound.iter().all(|name| own(name)) {
        return None;
    }
    let indent = indent(source);
    let strings = source.long_strings();
    let mut edits = vec![(TextRange::empty(range.start()), format!("{GUARD}\n{indent}"))];
    for (line, start) in lines(text, range.start()).skip(1) {
        let in_string = strings.iter().any(|string| string.start() < start && start < string.end());
        if !line.trim().is_empty() && !in_string {
            edits.push((TextRange::empty(start), indent.to_owned()));
        }
    }
    Some(Fix { what: format!("put it below `{GUARD}`"), safe: true, edits })
}

/// Each line of a part of a text, with where it begins.
fn lines(text: &str, start: TextSize) -> impl Iterator<Item = (&str, TextSize)> {
    let mut at = start;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += TextSize::of(line);
        (line, start)
    })
}

/// What the file indents by: as its first indented line, where that is a level of indentation.
fn indent(source: &Source) -> &'static str {
    let first = source.text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    match first.map(|line| &line[..line.len() - line.trim_start().len()]) {
        Some(spaces) if spaces.starts_with('\t') => "\t",
        Some("  ") => "  ",
        _ => "    ",
    }
}

/// Names that statements bind and read, wherever in them.
#[derive(Default)]
struct Reads<'a> {
    bound: HashSet<&'a str>,
    read: HashSet<&'a str>,
    /// Names that functions bind at the file's level.
    global: HashSet<&'a str>,
    /// Whether a function, a class or an import is among them.
    defines: bool,
}

impl<'a> Reads<'a> {
    fn of(body: &'a [Stmt]) -> Self {
        let mut reads = Self::default();
        reads.visit_body(body);
        reads.bound.extend(&reads.global);
        reads
    }

    fn below(&mut self, stmt: &'a Stmt, bound: HashSet<&'a str>) {
        let mut inner = Self { bound, ..Self::default() };
        walk_stmt(&mut inner, stmt);
        self.read.extend(inner.read.difference(&inner.bound));
        self.global.extend(inner.global);
    }
}

impl<'a> Visitor<'a> for Reads<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.defines |=
            matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_));
        match stmt {
            // What is bound in there is its own.
            Stmt::FunctionDef(def) => {
                let parameters = def.parameters.iter().map(|parameter| parameter.name().as_str());
                self.below(stmt, parameters.collect());
            }
            Stmt::ClassDef(_) => self.below(stmt, HashSet::new()),
            Stmt::Global(global) => self.global.extend(global.names.iter().map(ast::Identifier::as_str)),
            stmt => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            let names = if name.ctx.is_store() { &mut self.bound } else { &mut self.read };
            // `_` is bound to be forgotten.
            if !name.ctx.is_store() || !name.id.starts_with('_') {
                names.insert(name.id.as_str());
            }
        }
        walk_expr(self, expr);
    }
}

/// CON402: a count of the machine's cores becomes one of those that this process may use. Unsafe: that is the point of
/// it, and macOS and Windows have no such count.
pub(super) fn usable_cores(at: &At<'_>, counted: &ast::ExprCall) -> Option<Fix> {
    let names = &at.file.names;
    names.imported_as("os", at.scope()).filter(|module| *module == "os")?;
    Some(Fix {
        what: "use len(os.sched_getaffinity(0)), which Linux has".to_owned(),
        safe: false,
        edits: vec![(counted.range(), "len(os.sched_getaffinity(0))".to_owned())],
    })
}

/// CON303: a pool's processes are started anew instead of copied. Unsafe: they import what they need again, and get
/// their tasks pickled.
pub(super) fn spawned<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Fix> {
    let Expr::Attribute(made) = &*call.func else { return None };
    at.resolve(&made.value).filter(|module| *module == "multiprocessing")?;
    Some(Fix {
        what: "start its processes anew, with get_context(\"spawn\")".to_owned(),
        safe: false,
        edits: vec![(TextRange::empty(made.value.end()), ".get_context(\"spawn\")".to_owned())],
    })
}

/// CON101: a blocking call becomes one that is awaited. Unsafe: other coroutines run meanwhile, which they did not.
pub(super) fn awaited<'a>(at: &At<'a>, call: &'a ast::ExprCall, callee: &str, group: &Group) -> Option<Fix> {
    let names = &at.file.names;
    names.imported_as("asyncio", at.scope()).filter(|module| *module == "asyncio")?;
    let arguments = &call.arguments;
    if callee == "time.sleep" {
        let alone = matches!(at.parent()?, Node::Stmt(Stmt::Expr(_)));
        let one = arguments.keywords.is_empty() && matches!(&*arguments.args, [only] if !only.is_starred_expr());
        let edits = vec![(call.func.range(), "await asyncio.sleep".to_owned())];
        return (alone && one).then(|| Fix { what: "use await asyncio.sleep()".to_owned(), safe: false, edits });
    }
    let last = callee.rsplit('.').next()?;
    if !MOVABLE.contains(&group.kind.as_str()) || BEGINNINGS.contains(&last) || !may_await(at) {
        return None;
    }
    // A generator that is the only argument has no parentheses of its own.
    let bare = |only: &Expr| matches!(only, Expr::Generator(generator) if !generator.parenthesized);
    if arguments.args.iter().any(bare) {
        return None;
    }
    let bound_first = match at.parent()? {
        Node::Expr(Expr::Attribute(_)) => true,
        Node::Expr(Expr::Subscript(outer)) => outer.value.range() == call.range(),
        Node::Expr(Expr::Call(outer)) => outer.func.range() == call.range(),
        _ => false,
    };
    let (open, close) = if bound_first { ("(", ")") } else { ("", "") };
    let bracket = TextRange::at(arguments.start(), TextSize::from(1));
    let comma = if arguments.is_empty() { "" } else { ", " };
    let mut edits =
        vec![(TextRange::empty(call.start()), format!("{open}await asyncio.to_thread(")), (bracket, comma.to_owned())];
    if bound_first {
        edits.push((TextRange::empty(call.end()), close.to_owned()));
    }
    Some(Fix { what: "run it in a thread with await asyncio.to_thread()".to_owned(), safe: false, edits })
}

/// Whether `await` may stand here: not in a lambda, nor where a comprehension or generator would become another kind of
/// object, nor in what a definition works out.
fn may_await(at: &At<'_>) -> bool {
    let mut plain = true;
    for node in at.around() {
        match node {
            Node::Expr(
                Expr::Lambda(_)
                | Expr::Generator(_)
                | Expr::ListComp(_)
                | Expr::SetComp(_)
                | Expr::DictComp(_)
                | Expr::FString(_)
                | Expr::TString(_),
            ) => plain = false,
            Node::Expr(_) => {}
            Node::Stmt(stmt) => return plain && !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)),
        }
    }
    false
}
