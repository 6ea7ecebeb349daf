//! The functions that a program's own files define, and which of them a name means where it is called.
//!
//! By name alone, as far as that goes: what `client.fetch` is depends on what `client` is, so every method of that name
//! is a possible answer. Which one is called is known only when it is.

use super::program::{Module, Program};
use super::python::{Ranged, TextSize, ast};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Re-exports that are followed: `from .deep import f` in a package's `__init__.py`.
const HOPS: usize = 3;
/// What the interpreter calls a function without a name.
pub const LAMBDA: &str = "<lambda>";

/// One function, as the interpreter knows its code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// Its file.
    pub path: PathBuf,
    /// Its first line: that of its first decorator where it has one.
    pub line: usize,
    /// The line of its `def` or `lambda`.
    pub def: usize,
    /// Its name; `<lambda>` where it has none.
    pub name: String,
    /// Its name with those of what it is in: `Client.fetch`, `main.<locals>.work`.
    pub qualname: String,
    /// Whether it is `async def`.
    pub coroutine: bool,
}

/// All of a program's.
#[derive(Debug, Default)]
pub struct Definitions {
    modules: Vec<Own>,
    names: BTreeMap<String, usize>,
}

/// One module's.
#[derive(Debug, Default)]
struct Own {
    functions: Vec<Function>,
    classes: Vec<String>,
    /// What a name was imported as: the module, and the name in it unless it is the module itself.
    imports: BTreeMap<String, (String, Option<String>)>,
}

#[derive(Debug)]
struct Function {
    definition: Definition,
    /// Names of the functions and classes around it.
    around: Vec<String>,
    in_class: bool,
    /// What it is called by: its own name, or the one that a lambda is assigned to.
    called: Option<String>,
    /// Where it begins.
    at: TextSize,
    generator: bool,
}

impl Definitions {
    /// Those of all the program's files.
    pub fn of(program: &Program) -> Self {
        let modules = program.modules.iter().map(Own::of).collect();
        let names = program.modules.iter().enumerate().map(|(at, module)| (module.name.clone(), at)).collect();
        Self { modules, names }
    }

    /// What calling `function` in that module may run, where `around` are the functions and classes around the call.
    /// Generators are left out: calling one does no work.
    pub fn meant(&self, module: usize, around: &[String], function: &ast::Expr) -> Vec<Definition> {
        let own = &self.modules[module];
        let found = match function {
            ast::Expr::Name(name) => self.by_name(module, around, name.id.as_str()),
            ast::Expr::Attribute(attribute) => self.by_attribute(module, around, attribute),
            ast::Expr::Lambda(lambda) => own.functions.iter().filter(|own| own.at == lambda.start()).collect(),
            _ => Vec::new(),
        };
        let working = found.into_iter().filter(|function| !function.generator);
        working.map(|function| function.definition.clone()).collect()
    }

    fn by_name(&self, module: usize, around: &[String], name: &str) -> Vec<&Function> {
        let own = &self.modules[module];
        for depth in (0..=around.len()).rev() {
            let here = own.functions.iter().filter(|function| function.around == around[..depth]);
            let visible = |function: &&Function| !function.in_class && function.called.as_deref() == Some(name);
            let found: Vec<&Function> = here.filter(visible).collect();
            if !found.is_empty() {
                return found;
            }
        }
        match own.imports.get(name) {
            Some((from, Some(name))) => self.top(from, name, HOPS),
            _ => Vec::new(),
        }
    }

    fn by_attribute(&self, module: usize, around: &[String], attribute: &ast::ExprAttribute) -> Vec<&Function> {
        let name = attribute.attr.as_str();
        if let Some(from) = dotted(&attribute.value).and_then(|path| self.imported(module, &path)) {
            return self.top(&from, name, HOPS);
        }
        let own = &self.modules[module];
        let of = |class: &[String]| -> Vec<&Function> {
            own.functions
                .iter()
                .filter(|one| one.in_class && one.around == class && one.definition.name == name)
                .collect()
        };
        if let ast::Expr::Name(receiver) = &*attribute.value {
            let class = match receiver.id.as_str() {
                // The class is what the method is in, however deep a closure within it this is.
                "self" | "cls" => {
                    (1..=around.len()).rev().map(|depth| of(&around[..depth])).find(|found| !found.is_empty())
                }
                class if own.classes.iter().any(|own| own == class) => Some(of(&[class.to_owned()])),
                _ => None,
            };
            if let Some(found) = class.filter(|found| !found.is_empty()) {
                return found;
            }
        }
        let all = self.modules.iter().flat_map(|own| &own.functions);
        all.filter(|one| one.in_class && one.definition.name == name).collect()
    }

    /// The module that a dotted name means.
    fn imported(&self, module: usize, path: &str) -> Option<String> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (from, name) = self.modules[module].imports.get(first)?;
        let parts = [Some(from.as_str()), name.as_deref(), Some(rest).filter(|rest| !rest.is_empty())];
        let whole = parts.into_iter().flatten().collect::<Vec<_>>().join(".");
        self.names.contains_key(&whole).then_some(whole)
    }

    /// A function at the top of a module, wherever that has it from.
    fn top(&self, module: &str, name: &str, hops: usize) -> Vec<&Function> {
        let Some(own) = self.names.get(module).map(|at| &self.modules[*at]) else { return Vec::new() };
        let here = own.functions.iter().filter(|one| one.around.is_empty() && one.called.as_deref() == Some(name));
        let found: Vec<&Function> = here.collect();
        match own.imports.get(name) {
            Some((from, Some(name))) if found.is_empty() && hops > 0 => self.top(from, name, hops - 1),
            _ => found,
        }
    }
}

impl Own {
    fn of(module: &Module) -> Self {
        let mut reader = Reader { module, own: Self::default(), around: Vec::new(), kinds: Vec::new(), assigned: None };
        for statement in module.source.body() {
            reader.visit_stmt(statement);
        }
        reader.own
    }
}

/// `a.b.c` as text; `None` when it is anything else.
pub fn dotted(expression: &ast::Expr) -> Option<String> {
    match expression {
        ast::Expr::Name(name) => Some(name.id.to_string()),
        ast::Expr::Attribute(attribute) => Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr)),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Function,
    Class,
}

struct Reader<'a> {
    module: &'a Module,
    own: Own,
    around: Vec<String>,
    kinds: Vec<Kind>,
    assigned: Option<String>,
}

impl Reader<'_> {
    fn define(&mut self, name: &str, at: TextSize, first: TextSize, coroutine: bool, generator: bool) {
        let mut qualname = String::new();
        for (around, kind) in self.around.iter().zip(&self.kinds) {
            qualname.push_str(around);
            qualname.push_str(if *kind == Kind::Function { ".<locals>." } else { "." });
        }
        qualname.push_str(name);
        let called = if name == LAMBDA { self.assigned.clone() } else { Some(name.to_owned()) };
        let source = &self.module.source;
        let (line, def) = (source.place(first).line, source.place(at).line);
        let path = source.path.clone();
        self.own.functions.push(Function {
            definition: Definition { path, line, def, name: name.to_owned(), qualname, coroutine },
            around: self.around.clone(),
            in_class: self.kinds.last() == Some(&Kind::Class),
            called,
            at,
            generator,
        });
    }

    fn within(&mut self, name: &str, kind: Kind, walk: impl FnOnce(&mut Self)) {
        self.around.push(name.to_owned());
        self.kinds.push(kind);
        walk(self);
        self.around.pop();
        self.kinds.pop();
    }

    fn import(&mut self, alias: &ast::Alias, from: Option<&str>) {
        let name = alias.name.as_str();
        let bound = alias.asname.as_ref().map_or(name, ast::Identifier::as_str);
        let meaning = match from {
            Some(from) => (bound, (from.to_owned(), Some(name.to_owned()))),
            None if alias.asname.is_some() => (bound, (name.to_owned(), None)),
            // `import a.b` gives a name to `a` alone.
            None => (first_part(name), (first_part(name).to_owned(), None)),
        };
        self.own.imports.insert(meaning.0.to_owned(), meaning.1);
    }
}

impl<'a> Visitor<'a> for Reader<'_> {
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        match statement {
            ast::Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                let name = function.name.as_str();
                let first = function.decorator_list.first().map_or(function.name.start(), Ranged::start);
                self.define(name, function.name.start(), first, function.is_async, yields(&function.body));
                self.within(name, Kind::Function, |reader| reader.visit_body(&function.body));
            }
            ast::Stmt::ClassDef(class) => {
                if self.around.is_empty() {
                    self.own.classes.push(class.name.to_string());
                }
                self.within(class.name.as_str(), Kind::Class, |reader| reader.visit_body(&class.body));
            }
            ast::Stmt::Import(import) => import.names.iter().for_each(|alias| self.import(alias, None)),
            ast::Stmt::ImportFrom(import) => {
                let from = self.module.absolute(import.level, import.module.as_ref().map(ast::Identifier::as_str));
                if let Some(from) = from {
                    import.names.iter().for_each(|alias| self.import(alias, Some(&from)));
                }
            }
            ast::Stmt::Assign(assign) => {
                let [ast::Expr::Name(name)] = assign.targets.as_slice() else { return walk_stmt(self, statement) };
                self.assigned = Some(name.id.to_string()).filter(|_| assign.value.is_lambda_expr());
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a ast::Expr) {
        if let ast::Expr::Lambda(lambda) = expression {
            self.define(LAMBDA, lambda.start(), lambda.start(), false, false);
            self.assigned = None;
            return self.within(LAMBDA, Kind::Function, |reader| walk_expr(reader, expression));
        }
        walk_expr(self, expression);
    }
}

fn first_part(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether a function of that body is a generator.
fn yields(body: &[ast::Stmt]) -> bool {
    struct Yields(bool);
    impl<'a> Visitor<'a> for Yields {
        fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
            if !statement.is_function_def_stmt() && !statement.is_class_def_stmt() {
                walk_stmt(self, statement);
            }
        }

        fn visit_expr(&mut self, expression: &'a ast::Expr) {
            self.0 |= expression.is_yield_expr() || expression.is_yield_from_expr();
            if !expression.is_lambda_expr() {
                walk_expr(self, expression);
            }
        }
    }
    let mut found = Yields(false);
    body.iter().for_each(|statement| found.visit_stmt(statement));
    found.0
}
