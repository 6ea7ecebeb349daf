//! CON501, CON502: what a task costs to send, against what it does.

use super::executors::{Workers, sends};
use super::handed::{self, Way, int};
use crate::source::calls;
use crate::source::finding::{Fix, Found, Level};
use crate::source::names::ScopeId;
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::{self, Expr, Operator, Stmt};
use crate::source::python::{Ranged, TextRange, TextSize};
use crate::source::walk::{At, Loop};

/// Elements from which on a value is large: 100,000 numbers are 0.8 MB, 3 ms to pickle, send and unpickle (measured
/// here: 166 ms for 50 MB).
const LARGE: u64 = 100_000;
/// Elements of a literal that are large: each is an object that is pickled by itself.
const LARGE_LITERAL: usize = 1_000;

/// CON501: the same large object goes along with every task that is sent to a process.
pub(super) fn large_argument<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call);
    let slot = handed::slot(&at.file.names, call, at.scope(), callee)?;
    if slot.workers != Workers::Processes || slot.way == Way::Target {
        return None;
    }
    let (_, partial) = handed::unwrapped(&at.file.names, slot.task, at.scope());
    let mut along: Vec<&'a Expr> = Vec::new();
    if let Some(partial) = partial {
        along.extend(partial.args.iter().skip(1));
        along.extend(partial.keywords.iter().map(|keyword| &keyword.value));
    }
    let again = if slot.way == Way::Map {
        for goes_through in call.arguments.args.iter().skip(1) {
            along.extend(repeated(at, goes_through));
        }
        None
    } else {
        along.extend(slot.arguments);
        Some(match at.in_loop(call)? {
            Loop::For(each) => each.range(),
            Loop::While(each) => each.range(),
            Loop::Comprehension(_) => at.statement()?.range(),
        })
    };
    along.into_iter().find_map(|argument| {
        let Expr::Name(name) = argument else { return None };
        let (value, scope) = at.file.names.value_behind(argument, at.scope())?;
        if again.is_some_and(|again| again.contains_range(value.range())) {
            return None;
        }
        let size = size_of(at, value, scope)?;
        let message = format!(
            "`{}` is pickled and sent again with every task; give it to each worker once (initializer=), or share its \
             memory",
            name.id
        );
        let found = Found::at(argument, message);
        Some(if size == Size::Unknown { found.level(Level::Info) } else { found })
    })
}

/// What each item of what a map goes through has in common: `repeat(x)`, `[(item, x) for item in items]`.
fn repeated<'a>(at: &At<'a>, goes_through: &'a Expr) -> Vec<&'a Expr> {
    let element = match goes_through {
        Expr::Call(call) if at.resolve(&call.func).is_some_and(|name| name == "itertools.repeat") => {
            return call.arguments.args.first().into_iter().collect();
        }
        Expr::ListComp(ast::ExprListComp { elt, .. }) | Expr::Generator(ast::ExprGenerator { elt, .. }) => elt,
        _ => return Vec::new(),
    };
    if let Expr::Tuple(several) = &**element { several.elts.iter().collect() } else { Vec::new() }
}

/// How large a value is.
#[derive(PartialEq)]
enum Size {
    Large,
    /// A file's content: as large as the file.
    Unknown,
}

fn size_of<'a>(at: &At<'a>, value: &'a Expr, scope: ScopeId) -> Option<Size> {
    let names = &at.file.names;
    let large = |is: bool| is.then_some(Size::Large);
    let count = |expr: &'a Expr| names.value_behind(expr, scope).and_then(|(value, _)| int(value));
    match value {
        Expr::List(list) => large(list.elts.len() >= LARGE_LITERAL),
        Expr::Dict(dict) => large(dict.items.len() >= LARGE_LITERAL),
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mult, right, .. }) => {
            let sequence = matches!(&**left, Expr::List(_) | Expr::BytesLiteral(_) | Expr::StringLiteral(_));
            large(sequence && product(right, &count)? >= LARGE)
        }
        Expr::ListComp(several) => {
            let [each] = several.generators.as_slice() else { return None };
            let Expr::Call(range) = &each.iter else { return None };
            let ranges = names.resolve(&range.func, scope).is_some_and(|name| name == "builtins.range");
            large(ranges && count(range.arguments.args.last()?)? >= LARGE)
        }
        Expr::Call(call) => size_of_call(at, call, scope, &count),
        _ => None,
    }
}

/// What a product of whole numbers comes to.
fn product<'a>(expr: &'a Expr, count: &impl Fn(&'a Expr) -> Option<u64>) -> Option<u64> {
    match expr {
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mult, right, .. }) => {
            Some(product(left, count)?.saturating_mul(product(right, count)?))
        }
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::Pow, right, .. }) => {
            let power = u32::try_from(count(right)?).ok()?;
            Some(count(left)?.saturating_pow(power))
        }
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::LShift, right, .. }) => {
            let by = u32::try_from(count(right)?).ok().filter(|by| *by < 64)?;
            Some(count(left)?.saturating_mul(1 << by))
        }
        Expr::Tuple(several) => several.elts.iter().try_fold(1_u64, |all, one| Some(all.saturating_mul(count(one)?))),
        one => count(one),
    }
}

fn size_of_call<'a>(
    at: &At<'a>,
    call: &'a ast::ExprCall,
    scope: ScopeId,
    count: &impl Fn(&'a Expr) -> Option<u64>,
) -> Option<Size> {
    let names = &at.file.names;
    let arguments = &call.arguments.args;
    if let Expr::Attribute(method) = &*call.func {
        let opened = || {
            let (file, at) = names.value_behind(&method.value, scope)?;
            names.resolve(&file.as_call_expr()?.func, at).filter(|name| name == "builtins.open")
        };
        match method.attr.as_str() {
            "read_text" | "read_bytes" => return Some(Size::Unknown),
            "read" | "readlines" => return opened().map(|_| Size::Unknown),
            _ => {}
        }
    }
    let callee = names.resolve(&call.func, scope)?;
    match callee.as_str() {
        "numpy.load" | "numpy.loadtxt" | "numpy.genfromtxt" | "numpy.fromfile" | "torch.load" | "joblib.load" => {
            Some(Size::Large)
        }
        "numpy.zeros" | "numpy.ones" | "numpy.empty" | "numpy.full" | "numpy.arange" => {
            (product(arguments.first()?, count)? >= LARGE).then_some(Size::Large)
        }
        "numpy.random.rand" | "numpy.random.randn" => {
            let all = arguments.iter().try_fold(1_u64, |all, one| Some(all.saturating_mul(count(one)?)))?;
            (all >= LARGE).then_some(Size::Large)
        }
        "numpy.random.random" => (product(arguments.first()?, count)? >= LARGE).then_some(Size::Large),
        "builtins.list" => {
            let Expr::Call(range) = arguments.first()? else { return None };
            let ranges = names.resolve(&range.func, scope).is_some_and(|name| name == "builtins.range");
            (ranges && product(range.arguments.args.last()?, count)? >= LARGE).then_some(Size::Large)
        }
        "pandas.DataFrame" | "numpy.array" | "numpy.asarray" => {
            let (from, scope) = names.value_behind(arguments.first()?, scope)?;
            // A name that is its own value goes no further.
            if from.is_name_expr() { None } else { size_of(at, from, scope) }
        }
        name => {
            let reads = |library: &str| name.strip_prefix(library).is_some_and(|name| name.starts_with("read_"));
            (reads("pandas.") || reads("polars.")).then_some(Size::Large)
        }
    }
}

/// Items below which it does not matter how they are sent.
const FEW: u64 = 100;
/// Builtins and functions of `math` that take less time than sending a task does.
const CHEAP: [&str; 14] = [
    "abs",
    "min",
    "max",
    "round",
    "int",
    "float",
    "bool",
    "len",
    "ord",
    "chr",
    "divmod",
    "isinstance",
    "tuple",
    "complex",
];
const CHEAP_MATH: [&str; 14] =
    ["sqrt", "sin", "cos", "tan", "floor", "ceil", "log", "log2", "log10", "exp", "hypot", "fabs", "atan2", "fmod"];
/// Statements of a function that does next to nothing.
const SHORT: usize = 6;

/// CON502: functions of a few operations are sent to processes one by one.
pub(super) fn one_by_one<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call)?;
    sends(callee).filter(|sent| sent.workers == Workers::Processes && !sent.one && sent.later)?;
    // map_async() and starmap_async() work a size out.
    let chunked = callee.last().ends_with("_async");
    let arguments = &call.arguments;
    let spread = arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
    let third = !callee.starts_with("concurrent") && arguments.args.len() > 2;
    if chunked || spread || third || arguments.find_keyword("chunksize").is_some() {
        return None;
    }
    let [task, items, ..] = &*arguments.args else { return None };
    let (def, scope) = at.definition(task).filter(|_| task.is_name_expr())?;
    if how_many(at, items).is_some_and(|items| items < FEW) || !is_tiny(at, def, scope) {
        return None;
    }
    let message = format!(
        "{}() takes less time than sending an item to a process does, and each is sent alone; send many at once with \
         chunksize=, or call it here",
        def.name
    );
    let found = Found::at(call, message);
    Some(match chunked_text(at, arguments) {
        Some(edit) => found.fix(Fix { what: "send a hundred items at once".to_owned(), safe: true, edits: vec![edit] }),
        None => found,
    })
}

/// How many items there are, where source says it.
fn how_many<'a>(at: &At<'a>, items: &'a Expr) -> Option<u64> {
    let names = &at.file.names;
    let (value, scope) = names.value_behind(items, at.scope())?;
    match value {
        Expr::List(list) => Some(list.elts.len() as u64),
        Expr::Tuple(tuple) => Some(tuple.elts.len() as u64),
        Expr::Call(range) if names.resolve(&range.func, scope).is_some_and(|name| name == "builtins.range") => {
            let last = range.arguments.args.get(usize::from(range.arguments.args.len() > 1))?;
            names.value_behind(last, scope).and_then(|(last, _)| int(last))
        }
        _ => None,
    }
}

/// Whether a function does no more than a few operations, on what are most likely numbers.
fn is_tiny<'a>(at: &At<'a>, def: &'a ast::StmtFunctionDef, scope: ScopeId) -> bool {
    let names = &at.file.names;
    let cheap_call = |call: &'a ast::ExprCall| {
        names.resolve(&call.func, scope).is_some_and(|name| match name.owner() {
            "builtins" => CHEAP.contains(&name.last()),
            "math" => CHEAP_MATH.contains(&name.last()),
            _ => false,
        })
    };
    let dear = |expr: &Expr| match expr {
        Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) | Expr::Lambda(_) => true,
        Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => true,
        Expr::BinOp(ast::ExprBinOp { op: Operator::MatMult, .. }) => true,
        Expr::BinOp(ast::ExprBinOp { op: Operator::Pow | Operator::LShift, right, .. }) => {
            int(right).is_none_or(|by| by > 16)
        }
        _ => false,
    };
    let mut left = SHORT;
    // What is not at the file's own level cannot be pickled: that is another finding.
    names.parent(scope) == Some(ScopeId::MODULE)
        && !def.is_async
        && def.decorator_list.is_empty()
        && calls::in_body(&def.body).into_iter().all(cheap_call)
        && is_short(&def.body, &mut left, &dear)
}

/// Whether a body has no more statements than are left, none of which goes on by itself.
fn is_short(body: &[Stmt], left: &mut usize, dear: &impl Fn(&Expr) -> bool) -> bool {
    body.iter().all(|stmt| {
        let Some(fewer) = left.checked_sub(1) else { return false };
        *left = fewer;
        let plain = |expr: &Expr| !any_over_expr(expr, dear);
        match stmt {
            Stmt::Return(back) => back.value.as_deref().is_none_or(plain),
            Stmt::Expr(alone) => plain(&alone.value),
            Stmt::Assign(assign) => plain(&assign.value),
            Stmt::AugAssign(assign) => plain(&assign.value),
            Stmt::If(test) => {
                plain(&test.test)
                    && is_short(&test.body, left, dear)
                    && test.elif_else_clauses.iter().all(|clause| is_short(&clause.body, left, dear))
            }
            Stmt::Pass(_) => true,
            _ => false,
        }
    })
}

/// `chunksize=` behind the last argument, where nothing but commas is between it and the end.
fn chunked_text(at: &At<'_>, arguments: &ast::Arguments) -> Option<(TextRange, String)> {
    let last = arguments.args.iter().map(Ranged::end).chain(arguments.keywords.iter().map(Ranged::end)).max()?;
    // Where the file ends within them, nothing closes them.
    let closed = at.file.source.text_of(arguments).ends_with(')') && last < arguments.end();
    let end = closed.then(|| arguments.end() - TextSize::from(1))?;
    let between = &at.file.source.text[TextRange::new(last, end)];
    let comma = match between.trim() {
        "" => ", ",
        "," if between.ends_with(char::is_whitespace) => "",
        "," => " ",
        _ => return None,
    };
    Some((TextRange::empty(end), format!("{comma}chunksize=100")))
}
