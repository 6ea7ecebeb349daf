//! The second walk over a file: one visitor that tells every detector of every node, and knows where it is.
//!
//! A detector sees a node and an [`At`], and asks it what names mean and what is around. What it finds is returned;
//! it keeps nothing between nodes.

use super::calls::{self, Placed};
use super::catalogue::Catalogue;
use super::detect::handed::{self, Handed};
use super::detect::{Detect, Dispatch};
use super::finding::{Evidence, Finding, Spot};
use super::names::scoping::{Scoped, below_expr, below_stmt};
use super::names::{Module, Names, QualifiedName, ScopeId};
use super::project::summary::Summarising;
use super::python::ast::visitor::Visitor;
use super::python::ast::{self, Expr, Stmt};
use super::python::{Ranged, Source, TextRange};
use std::cell::OnceCell;

/// A file with its names.
pub struct File<'a> {
    /// The file.
    pub source: &'a Source,
    /// How others import it.
    pub module: &'a Module,
    /// What names in it mean.
    pub names: Names<'a>,
    /// What is known of the world.
    pub catalogue: &'static Catalogue,
    calls: OnceCell<Vec<Placed<'a>>>,
    handed: OnceCell<Vec<Handed<'a>>>,
}

impl<'a> File<'a> {
    /// Collects the names of a file.
    pub fn of(source: &'a Source, module: &'a Module) -> Self {
        let catalogue = Catalogue::get();
        let names = Names::of(source, module, &catalogue.kinds);
        Self { source, module, names, catalogue, calls: OnceCell::new(), handed: OnceCell::new() }
    }

    /// All its calls; worked out when first asked for, of what may be a finding.
    pub fn calls(&self) -> &[Placed<'a>] {
        self.calls.get_or_init(|| calls::in_file(self.source, &self.names))
    }

    /// What it hands to workers; worked out when first asked for, of what may be a finding.
    pub(super) fn handed(&self) -> &[Handed<'a>] {
        self.handed.get_or_init(|| handed::all(self))
    }

    /// Whether the text has a word anywhere, as code, in a string or in a comment. Reads all of the text, so it is
    /// asked last, of what is a finding otherwise.
    pub fn mentions(&self, word: &str) -> bool {
        self.source.text.contains(word)
    }
}

/// A node that the walk is below.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    /// A statement.
    Stmt(&'a Stmt),
    /// An expression.
    Expr(&'a Expr),
}

/// What runs its body again and again.
#[derive(Debug, Clone, Copy)]
pub enum Loop<'a> {
    /// A `for` statement.
    For(&'a ast::StmtFor),
    /// A `while` statement.
    While(&'a ast::StmtWhile),
    /// A comprehension or generator expression.
    Comprehension(&'a [ast::Comprehension]),
}

/// Where the walk is: what a detector may ask.
pub struct At<'a> {
    /// The file.
    pub file: &'a File<'a>,
    scope: ScopeId,
    above: Vec<Node<'a>>,
    callee: OnceCell<Option<QualifiedName>>,
    repeats: OnceCell<Option<Loop<'a>>>,
}

impl<'a> At<'a> {
    /// The qualified name that an expression stands for here.
    pub fn resolve(&self, expr: &'a Expr) -> Option<QualifiedName> {
        self.file.names.resolve(expr, self.scope)
    }

    /// The class whose instance an expression is here.
    pub fn instance_of(&self, expr: &'a Expr) -> Option<QualifiedName> {
        self.file.names.instance_of(expr, self.scope)
    }

    /// The file's own function that an expression names, with its scope; `None` when it may be another.
    pub fn definition(&self, expr: &'a Expr) -> Option<(&'a ast::StmtFunctionDef, ScopeId)> {
        self.file.names.definition(expr, self.scope)
    }

    /// The value that a name always holds, when it is bound once; any other expression is its own value.
    pub fn value_of(&self, expr: &'a Expr) -> Option<&'a Expr> {
        self.file.names.value_of(expr, self.scope)
    }

    /// What the call at hand calls; worked out once for all detectors.
    pub fn callee(&self, call: &'a ast::ExprCall) -> Option<&QualifiedName> {
        self.callee.get_or_init(|| self.resolve(&call.func)).as_ref()
    }

    /// The innermost loop that runs the call at hand again and again; worked out once for all detectors.
    pub fn repeats(&self, call: &'a ast::ExprCall) -> Option<Loop<'a>> {
        *self.repeats.get_or_init(|| self.in_loop(call))
    }

    /// The scope that the walk is in.
    pub fn scope(&self) -> ScopeId {
        self.scope
    }

    /// The function whose code this is; `None` at the level of the file or a class, and in a lambda.
    pub fn function(&self) -> Option<&'a ast::StmtFunctionDef> {
        self.file.names.function(self.scope)
    }

    /// The coroutine whose code this is.
    pub fn coroutine(&self) -> Option<&'a ast::StmtFunctionDef> {
        self.function().filter(|def| def.is_async)
    }

    /// Whether this runs when the file is imported or run, and in no function.
    pub fn at_file_level(&self) -> bool {
        self.scope == ScopeId::MODULE
    }

    /// The nodes around the one at hand, from the inside out.
    pub fn around(&self) -> impl Iterator<Item = Node<'a>> {
        self.above.iter().rev().copied()
    }

    /// The node that the one at hand is a part of.
    pub fn parent(&self) -> Option<Node<'a>> {
        self.around().next()
    }

    /// Whether the expression at hand is awaited where it stands.
    pub fn is_awaited(&self) -> bool {
        matches!(self.parent(), Some(Node::Expr(Expr::Await(_))))
    }

    /// The statement that the expression at hand is in.
    pub fn statement(&self) -> Option<&'a Stmt> {
        self.around().find_map(|node| if let Node::Stmt(stmt) = node { Some(stmt) } else { None })
    }

    /// The innermost loop that runs a node again and again, within the function at hand. What a loop evaluates once,
    /// its iterable and its `else`, is not in it.
    pub fn in_loop(&self, node: &impl Ranged) -> Option<Loop<'a>> {
        let range = node.range();
        let inside = |part: TextRange| part.contains_range(range);
        let within = |body: &[Stmt]| body.iter().any(|stmt| inside(stmt.range()));
        for around in self.around() {
            match around {
                Node::Stmt(Stmt::For(each)) if within(&each.body) => return Some(Loop::For(each)),
                Node::Stmt(Stmt::While(each)) if within(&each.body) || inside(each.test.range()) => {
                    return Some(Loop::While(each));
                }
                Node::Expr(
                    Expr::ListComp(ast::ExprListComp { generators, .. })
                    | Expr::SetComp(ast::ExprSetComp { generators, .. })
                    | Expr::DictComp(ast::ExprDictComp { generators, .. })
                    | Expr::Generator(ast::ExprGenerator { generators, .. }),
                ) if !generators.first().is_some_and(|first| inside(first.iter.range())) => {
                    return Some(Loop::Comprehension(generators));
                }
                Node::Stmt(Stmt::FunctionDef(_) | Stmt::ClassDef(_)) | Node::Expr(Expr::Lambda(_)) => return None,
                _ => {}
            }
        }
        None
    }

    /// Whether this runs only when the file is the program: below `if __name__ == "__main__"`.
    pub fn is_guarded(&self) -> bool {
        self.around().any(|node| matches!(node, Node::Stmt(Stmt::If(test)) if is_main_guard(&test.test)))
    }
}

/// Whether a condition asks whether the file is the program.
fn is_main_guard(test: &Expr) -> bool {
    match test {
        Expr::Compare(compare) => {
            let mut sides = std::iter::once(&*compare.left).chain(&compare.comparators);
            sides.any(|side| matches!(side, Expr::Name(name) if name.id.as_str() == "__name__"))
        }
        Expr::BoolOp(several) => several.values.iter().any(is_main_guard),
        _ => false,
    }
}

/// What a walk gave.
pub struct Walked {
    /// Findings, suppressed ones left out.
    pub findings: Vec<Finding>,
    /// What others need to know of the file.
    pub summary: super::project::summary::Summary,
}

/// Walks a file once, with every detector of `dispatch`.
pub fn walk<'a>(file: &'a File<'a>, dispatch: &Dispatch) -> Walked {
    walk_with(file, dispatch, false)
}

/// As [`walk`]; the summary also tells of executors, where that is asked for.
pub fn walk_with<'a>(file: &'a File<'a>, dispatch: &Dispatch, executors: bool) -> Walked {
    let at = At { file, scope: ScopeId::MODULE, above: Vec::new(), callee: OnceCell::new(), repeats: OnceCell::new() };
    let mut walk = Walk { at, dispatch, findings: Vec::new(), summary: Summarising::of(file, executors) };
    walk.visit_body(file.source.body());
    Walked { findings: walk.findings, summary: walk.summary.done() }
}

struct Walk<'a, 'd> {
    at: At<'a>,
    dispatch: &'d Dispatch,
    findings: Vec<Finding>,
    summary: Summarising,
}

impl<'a> Walk<'a, '_> {
    fn tell<N>(&mut self, detectors: &[(&'static str, Detect<N>)], node: &'a N) {
        for (code, detect) in detectors {
            let Some(found) = detect(&self.at, node) else { continue };
            let file = self.at.file;
            let spot = Spot::of(file.source, found.range).with_edits(file.source, found.fix.as_ref());
            let entry = file.catalogue.entry(code);
            let Some(entry) = entry.filter(|_| !spot.noqa.as_ref().is_some_and(|noqa| noqa.covers(code))) else {
                continue;
            };
            self.findings.push(Finding {
                entry,
                level: found.level.unwrap_or(entry.level),
                path: file.source.path.clone(),
                spot,
                qualified_name: file.names.within(self.at.scope),
                message: found.message,
                evidence: Evidence::Source,
                chain: Vec::new(),
                fix: found.fix,
            });
        }
    }
}

impl<'a> Scoped<'a> for Walk<'a, '_> {
    fn enter(&mut self, node: TextRange) {
        self.at.scope = self.at.file.names.scope_of(node).unwrap_or(self.at.scope);
    }

    fn leave(&mut self) {
        self.at.scope = self.at.file.names.parent(self.at.scope).unwrap_or(ScopeId::MODULE);
    }
}

impl<'a> Visitor<'a> for Walk<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let dispatch = self.dispatch;
        match stmt {
            Stmt::FunctionDef(def) => {
                self.summary.function(&self.at, def);
                self.tell(&dispatch.functions, def);
            }
            Stmt::ClassDef(def) => self.tell(&dispatch.classes, def),
            Stmt::With(with) => self.tell(&dispatch.withs, with),
            Stmt::For(each) => self.tell(&dispatch.fors, each),
            Stmt::Assign(assign) => self.tell(&dispatch.assigns, assign),
            _ => {}
        }
        self.tell(&dispatch.statements, stmt);
        self.at.above.push(Node::Stmt(stmt));
        below_stmt(self, stmt);
        self.at.above.pop();
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                (self.at.callee, self.at.repeats) = (OnceCell::new(), OnceCell::new());
                self.tell(&self.dispatch.calls, call);
                self.summary.call(&self.at, call);
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => self.summary.yields(&self.at),
            _ => {}
        }
        self.at.above.push(Node::Expr(expr));
        below_expr(self, expr);
        self.at.above.pop();
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}
