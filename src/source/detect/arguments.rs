//! CON501: what a task costs to send.

use super::executors::Workers;
use super::handed::{self, Way, int};
use crate::source::finding::{Found, Level};
use crate::source::names::ScopeId;
use crate::source::python::Ranged;
use crate::source::python::ast::{self, Expr, Operator};
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

/// What each item of what a map goes through has in common: `repeat(x)`, `[x] * n`, `[(item, x) for item in items]`.
fn repeated<'a>(at: &At<'a>, goes_through: &'a Expr) -> Vec<&'a Expr> {
    match goes_through {
        Expr::Call(call) => match at.resolve(&call.func).as_deref() {
            Some("itertools.repeat") => call.arguments.args.first().into_iter().collect(),
            Some("builtins.zip") => call.arguments.args.iter().flat_map(|part| repeated(at, part)).collect(),
            _ => Vec::new(),
        },
        Expr::BinOp(ast::ExprBinOp { left, op: Operator::Mult, .. }) => elements(left),
        Expr::ListComp(ast::ExprListComp { elt, .. }) | Expr::Generator(ast::ExprGenerator { elt, .. }) => {
            elements(elt)
        }
        _ => Vec::new(),
    }
}

fn elements(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => elts.iter().collect(),
        _ => Vec::new(),
    }
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
