//! Which statements change what lives outside of their function: a name of the file or of a function around, an item of
//! what such a name holds, an attribute of the instance. Whether that is wrong is `state`'s to say.

use crate::source::names::{ScopeId, Variable};
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::{self, CmpOp, Expr, Stmt, UnaryOp};
use crate::source::walk::At;

/// A change.
pub(super) struct Change<'a> {
    /// What is changed, as it is written.
    pub what: &'a Expr,
    /// The same as a variable.
    pub variable: Variable<'a>,
    /// How.
    pub act: Act,
}

/// How something is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// `x = 1`.
    Set,
    /// `x += 1`, `x = x + 1`.
    Update,
    /// `x[k] = 1`, `x.append(1)`.
    Put,
    /// `x[k] += 1`; `own` when `k` is what the function was called with, and so perhaps its alone.
    UpdateItem {
        /// Whether it is.
        own: bool,
    },
    /// `if x: x.pop()`.
    RemoveIfThere,
    /// `if k not in x: x[k] = 1`.
    AddIfMissing,
}

/// The change of something outside that a statement makes.
pub(super) fn change<'a>(at: &At<'a>, stmt: &'a Stmt) -> Option<Change<'a>> {
    let def = at.function()?;
    // What most statements set is a name of their own function, and to read what it is set to takes longer.
    if let Stmt::Assign(ast::StmtAssign { targets, .. }) = stmt
        && let [target @ Expr::Name(_)] = targets.as_slice()
        && at.file.names.variable(target, at.scope()).is_none_or(|variable| variable.home == at.scope())
    {
        return None;
    }
    let (what, act) = match stmt {
        Stmt::AugAssign(assign) => match &*assign.target {
            Expr::Subscript(item) => (&*item.value, updated_item(item, def)?),
            // `x += [1]` extends the list that is there.
            _ if matches!(&*assign.value, Expr::List(_) | Expr::ListComp(_)) => (&*assign.target, Act::Put),
            target => (target, Act::Update),
        },
        Stmt::Assign(assign) => match assign.targets.as_slice() {
            [Expr::Subscript(item)] if reads(&assign.value, &item.value) => (&*item.value, updated_item(item, def)?),
            [Expr::Subscript(item)] => (&*item.value, Act::Put),
            [target] if reads(&assign.value, target) => (target, Act::Update),
            [target] => (target, Act::Set),
            _ => return None,
        },
        Stmt::Expr(alone) => match &*alone.value {
            Expr::Call(call) => (method_of(call, &PUTS)?, Act::Put),
            _ => return None,
        },
        Stmt::If(test) => checked(test)?,
        _ => return None,
    };
    let names = &at.file.names;
    let variable = names.variable(what, at.scope()).filter(|variable| variable.home != at.scope())?;
    // A list with a place for each task is how results are kept apart.
    let is_list = |value: &Expr| matches!(value, Expr::List(_) | Expr::ListComp(_) | Expr::BinOp(_));
    if act == (Act::UpdateItem { own: true }) && names.values(variable).any(|(value, _)| is_list(value)) {
        return None;
    }
    let scalar = matches!(act, Act::Set | Act::Update);
    (scalar || names.values(variable).any(|(value, scope)| is_container(at, value, scope))).then_some(Change {
        what,
        variable,
        act,
    })
}

const PUTS: [&str; 12] = [
    "append",
    "appendleft",
    "extend",
    "insert",
    "add",
    "update",
    "setdefault",
    "pop",
    "popitem",
    "remove",
    "discard",
    "clear",
];

/// What a method of one of these names is called on.
fn method_of<'a>(call: &'a ast::ExprCall, names: &[&str]) -> Option<&'a Expr> {
    let Expr::Attribute(method) = &*call.func else { return None };
    names.contains(&method.attr.as_str()).then_some(&*method.value)
}

/// How an item is updated; a slice is most likely the task's own part.
fn updated_item(item: &ast::ExprSubscript, def: &ast::StmtFunctionDef) -> Option<Act> {
    let is_slice = |index: &Expr| any_over_expr(index, |part: &Expr| part.is_slice_expr());
    let own = matches!(&*item.slice, Expr::Name(name) if def.parameters.includes(name.id.as_str()));
    (!is_slice(&item.slice)).then_some(Act::UpdateItem { own })
}

/// Whether a value is worked out from a variable.
fn reads(value: &Expr, variable: &Expr) -> bool {
    let same = |part: &Expr| match (part, variable) {
        (Expr::Name(part), Expr::Name(name)) => part.id == name.id,
        (Expr::Attribute(part), Expr::Attribute(attribute)) => {
            part.attr == attribute.attr
                && matches!((&*part.value, &*attribute.value), (Expr::Name(one), Expr::Name(other)) if one.id == other.id)
        }
        _ => false,
    };
    any_over_expr(value, same)
}

/// What an `if` checks and then changes on the strength of that.
fn checked(test: &ast::StmtIf) -> Option<(&Expr, Act)> {
    let (what, act) = match &*test.test {
        Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators, &*compare.left) {
            ([CmpOp::NotIn], [container], _) => (container, Act::AddIfMissing),
            ([CmpOp::In], [container], _) => (container, Act::RemoveIfThere),
            // `len(x) > 0`.
            ([_], [_], Expr::Call(length)) if matches!(&*length.func, Expr::Name(name) if name.id.as_str() == "len") => {
                (length.arguments.args.first()?, Act::RemoveIfThere)
            }
            _ => return None,
        },
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => return None,
        whole => (whole, Act::RemoveIfThere),
    };
    let acts = |stmt: &Stmt| match (stmt, act) {
        (Stmt::Assign(assign), Act::AddIfMissing) => {
            matches!(assign.targets.as_slice(), [Expr::Subscript(item)] if same_text(&item.value, what))
        }
        (Stmt::Delete(delete), Act::RemoveIfThere) => {
            matches!(delete.targets.as_slice(), [Expr::Subscript(item)] if same_text(&item.value, what))
        }
        (Stmt::Expr(ast::StmtExpr { value, .. }) | Stmt::Assign(ast::StmtAssign { value, .. }), Act::RemoveIfThere) => {
            // With a default, pop() does not fail where another was faster.
            let bare = |call: &ast::ExprCall| call.arguments.args.len() < 2;
            let removes = |call: &ast::ExprCall| {
                method_of(call, &["pop", "popleft", "popitem", "remove"]).is_some_and(|of| same_text(of, what))
            };
            value.as_call_expr().is_some_and(|call| bare(call) && removes(call))
        }
        _ => false,
    };
    test.body.iter().any(acts).then_some((what, act))
}

/// Whether two expressions are the same name or attribute.
fn same_text(one: &Expr, other: &Expr) -> bool {
    matches!(one, Expr::Name(_) | Expr::Attribute(_)) && reads(one, other) && reads(other, one)
}

/// Whether a value is a container that is no more than that: neither shared by design, nor with a lock of its own.
fn is_container<'a>(at: &At<'a>, value: &'a Expr, scope: ScopeId) -> bool {
    match value {
        Expr::List(_) | Expr::Dict(_) | Expr::Set(_) | Expr::ListComp(_) | Expr::DictComp(_) | Expr::SetComp(_) => true,
        Expr::BinOp(repeated) => repeated.left.is_list_expr(),
        Expr::Call(call) => at.file.names.resolve(&call.func, scope).is_some_and(|name| {
            matches!(
                name.as_str(),
                "builtins.list"
                    | "builtins.dict"
                    | "builtins.set"
                    | "collections.defaultdict"
                    | "collections.OrderedDict"
                    | "collections.Counter"
                    | "collections.deque"
                    | "numpy.zeros"
                    | "numpy.ones"
                    | "numpy.empty"
            )
        }),
        _ => false,
    }
}
