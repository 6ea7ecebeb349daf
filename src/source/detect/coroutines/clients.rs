//! CON110: clients and connections that are made for one request and thrown away.

use super::{is_test, spoken, uses};
use crate::source::finding::{Found, Level};
use crate::source::names::{QualifiedName, ScopeId};
use crate::source::python::ast::helpers::any_over_expr;
use crate::source::python::ast::visitor::{Visitor, walk_expr};
use crate::source::python::ast::{self, Expr, Stmt};
use crate::source::walk::{At, Loop, Node};

/// Decorators of web frameworks that make a function the handler of a path: `@app.get("/items")`.
const ROUTES: [&str; 10] =
    ["get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket"];

/// Attributes of a client that belong to one user or one server: who sets them wants a client of their own.
const OF_ONE: [&str; 12] = [
    "headers",
    "auth",
    "cookies",
    "mount",
    "proxies",
    "verify",
    "cert",
    "params",
    "login",
    "cookie_jar",
    "hooks",
    "base_url",
];

/// CON110: a client is made in every turn of a loop, for every request that is handled, or by a function that a loop
/// calls.
pub(in crate::source::detect) fn built_per_request<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> Option<Found> {
    let callee = at.callee(call)?;
    if let Some(group) = at.file.catalogue.clients.of(callee) {
        if is_test(at) || !shareable(at, call) {
            return None;
        }
        let again = match at.repeats(call) {
            Some(Loop::For(each)) if in_turns(at, call, each) => "in every turn of this loop",
            _ if at.function().is_some_and(handles_requests) => "for every request",
            _ => return None,
        };
        return Some(Found::at(call, format!("{} is made {again} and thrown away; {}", spoken(callee), group.instead)));
    }
    let target = match at.repeats(call)? {
        Loop::For(each) => &*each.target,
        Loop::Comprehension([each, ..]) => &each.target,
        Loop::Comprehension(_) | Loop::While(_) => return None,
    };
    let (def, scope) = at.definition(&call.func).filter(|(def, _)| def.decorator_list.is_empty())?;
    if is_test(at) || !uses(call, target) {
        return None;
    }
    let (made, instead) = def.body.iter().find_map(|stmt| made_by(at, stmt, scope))?;
    let message =
        format!("{}() makes its own {} each time, and this loop calls it; {instead}", def.name, spoken(&made));
    Some(Found::at(call, message).level(Level::Info))
}

/// The client that a `with` makes, in the body of a function that is called.
fn made_by<'a>(at: &At<'a>, stmt: &'a Stmt, scope: ScopeId) -> Option<(QualifiedName, &'static str)> {
    let Stmt::With(with) = stmt else { return None };
    with.items.iter().find_map(|item| {
        let Expr::Call(made) = &item.context_expr else { return None };
        let callee = at.file.names.resolve(&made.func, scope)?;
        let group = at.file.catalogue.clients.of(&callee)?;
        only_of_the_file(at, made, scope).then_some((callee, group.instead.as_str()))
    })
}

/// Whether one client would do for all: nothing in how it is made or set up belongs to one turn or request.
fn shareable<'a>(at: &At<'a>, call: &'a ast::ExprCall) -> bool {
    let around = at.around().find(|node| !matches!(node, Node::Expr(Expr::Await(_))));
    let name = match around {
        Some(Node::Stmt(Stmt::Assign(assign))) => match assign.targets.as_slice() {
            [Expr::Name(name)] => Some(name),
            _ => return false,
        },
        Some(Node::Stmt(Stmt::With(with))) => {
            let item =
                with.items.iter().find(|item| any_over_expr(&item.context_expr, |one: &Expr| is_call(one, call)));
            match item.and_then(|item| item.optional_vars.as_deref()) {
                Some(Expr::Name(name)) => Some(name),
                _ => None,
            }
        }
        // `Session().get(…)`; what is stored elsewhere or given away may live on.
        Some(Node::Expr(Expr::Attribute(_))) => None,
        _ => return false,
    };
    let set_up = |name: &ast::ExprName| {
        let body = at.function().map_or(at.file.source.body(), |def| &def.body);
        Touches::of(name.id.as_str(), body).any
    };
    only_of_the_file(at, call, at.scope()) && !name.is_some_and(set_up)
}

fn is_call(expr: &Expr, call: &ast::ExprCall) -> bool {
    matches!(expr, Expr::Call(one) if std::ptr::eq(one, call))
}

/// Whether a call's arguments are the same each time: constants, and names of the file's own level.
fn only_of_the_file<'a>(at: &At<'a>, call: &'a ast::ExprCall, scope: ScopeId) -> bool {
    let varies = |expr: &Expr| {
        any_over_expr(
            expr,
            |part: &Expr| matches!(part, Expr::Name(name) if !at.file.names.is_of_file(name.id.as_str(), scope)),
        )
    };
    let keyword = |keyword: &ast::Keyword| match keyword.arg.as_deref() {
        None => true,
        // A test's way to the application itself.
        Some("transport" | "app") => true,
        Some(_) => varies(&keyword.value),
    };
    !call.arguments.args.iter().any(varies) && !call.arguments.keywords.iter().any(keyword)
}

/// Whether a `for` makes a client for each of its items, and not for each attempt.
fn in_turns<'a>(at: &At<'a>, call: &ast::ExprCall, each: &'a ast::StmtFor) -> bool {
    let once = matches!(each.body.last(), Some(Stmt::Break(_) | Stmt::Return(_)));
    let is_loop = |node: &Node<'_>| matches!(node, Node::Stmt(Stmt::For(_)));
    let retried = at.around().take_while(|node| !is_loop(node)).any(|node| matches!(node, Node::Stmt(Stmt::Try(_))));
    let attempts = at.file.source.text_of(&*each.target).starts_with('_')
        || ["attempt", "retry", "retries", "tries"].into_iter().any(|word| at.file.source.text_of(each).contains(word));
    !once && !retried && !attempts && !uses(call, &each.target)
}

/// Whether some statements use an attribute of [`OF_ONE`] of a name.
struct Touches<'n> {
    name: &'n str,
    any: bool,
}

impl<'n> Touches<'n> {
    fn of(name: &'n str, body: &[Stmt]) -> Self {
        let mut touches = Self { name, any: false };
        touches.visit_body(body);
        touches
    }
}

impl<'a> Visitor<'a> for Touches<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Attribute(attribute) = expr
            && let Expr::Name(owner) = &*attribute.value
        {
            self.any |= owner.id.as_str() == self.name && OF_ONE.contains(&attribute.attr.as_str());
        }
        walk_expr(self, expr);
    }
}

/// Whether a decorator makes a function the handler of a path.
fn handles_requests(def: &ast::StmtFunctionDef) -> bool {
    def.decorator_list.iter().any(|decorator| {
        let Expr::Call(call) = &decorator.expression else { return false };
        let Expr::Attribute(method) = &*call.func else { return false };
        let path = |arg: &Expr| matches!(arg, Expr::StringLiteral(text) if text.value.to_str().starts_with('/'));
        ROUTES.contains(&method.attr.as_str()) && call.arguments.args.first().is_some_and(path)
    })
}
