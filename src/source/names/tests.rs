//! What names mean, told by snippets: `probe(x)` asks for the name and the instance of `x` where it stands.

use super::scoping::{Scoped, below_expr, below_stmt};
use super::{Module, Names, ScopeId};
use crate::source::catalogue::Catalogue;
use crate::source::python::ast::visitor::Visitor;
use crate::source::python::ast::{Expr, Stmt};
use crate::source::python::{Source, TextRange};
use std::path::Path;

struct Probes<'a, 'n> {
    names: &'n Names<'a>,
    here: ScopeId,
    told: Vec<[Option<String>; 2]>,
}

impl<'a> Scoped<'a> for Probes<'a, '_> {
    fn enter(&mut self, node: TextRange) {
        self.here = self.names.scope_of(node).expect("every scope was collected");
    }

    fn leave(&mut self) {
        self.here = self.names.parent(self.here).expect("a scope around");
    }
}

impl<'a> Visitor<'a> for Probes<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        below_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "probe")
        {
            let asked = &call.arguments.args[0];
            let name = self.names.resolve(asked, self.here).map(|name| name.to_string());
            let instance = self.names.instance_of(asked, self.here).map(|name| name.to_string());
            self.told.push([name, instance]);
        }
        below_expr(self, expr);
    }
}

/// What each `probe(x)` in a module `shop.web.views` tells of its `x`.
fn probe(text: &str) -> Vec<[Option<String>; 2]> {
    let source = Source::parse(Path::new("views.py"), text.as_bytes()).expect("it is text");
    assert_eq!(source.errors().next(), None, "{text}");
    let module = Module { name: "shop.web.views".to_owned(), is_package: false };
    let names = Names::of(&source, &module, &Catalogue::get().kinds);
    let mut probes = Probes { names: &names, here: ScopeId::MODULE, told: Vec::new() };
    probes.visit_body(source.body());
    probes.told
}

/// All probes of a text tell this name.
fn names(text: &str, expected: &str) {
    for [name, _] in probe(text) {
        assert_eq!(name.unwrap_or_default(), expected, "{text}");
    }
}

/// All probes of a text tell this class.
fn instances(text: &str, expected: &str) {
    for [_, instance] in probe(text) {
        assert_eq!(instance.unwrap_or_default(), expected, "{text}");
    }
}

#[test]
fn imports_are_followed_through_their_aliases() {
    for (text, expected) in [
        ("import time\nprobe(time.sleep)", "time.sleep"),
        ("import concurrent.futures as cf\nprobe(cf.ThreadPoolExecutor)", "concurrent.futures.ThreadPoolExecutor"),
        ("import concurrent.futures\nprobe(concurrent.futures.wait)", "concurrent.futures.wait"),
        ("from time import sleep as nap\nprobe(nap)", "time.sleep"),
        ("from . import client\nprobe(client.fetch)", "shop.web.client.fetch"),
        ("from ..db import connect\nprobe(connect)", "shop.db.connect"),
        ("from .... import x\nprobe(x)", ""),
        ("from multiprocessing import Pool as P\nprobe(P)", "multiprocessing.Pool"),
        ("import time\nsleep = time.sleep\nprobe(sleep)", "time.sleep"),
        ("try:\n    import yaml\nexcept ImportError:\n    yaml = None\nprobe(yaml.load)", "yaml.load"),
        ("try:\n    import ujson as json\nexcept ImportError:\n    import json\nprobe(json.load)", ""),
        ("probe(open)", "builtins.open"),
        ("from helpers import *\nprobe(open)", "builtins.open"),
        ("from helpers import *\nimport time\nprobe(time.sleep)", "time.sleep"),
        ("from queue import Queue\nprobe(Queue[int])", "queue.Queue"),
        ("a = b\nb = a\nprobe(a)", ""),
    ] {
        names(text, expected);
    }
}

#[test]
fn scopes_are_pythons() {
    for (text, expected) in [
        ("import time\ndef f():\n    probe(time.sleep)", "time.sleep"),
        ("import time\ndef f(time):\n    probe(time.sleep)", ""),
        ("import time\ndef f():\n    probe(time)\n    time = 1", ""),
        ("import time\ndef f():\n    for time in x: pass\n    probe(time)", ""),
        ("import time\n[time for time in x]\nprobe(time.sleep)", "time.sleep"),
        ("import time\n[probe(time) for time in x]", ""),
        ("import time\n[y for time in probe(time)]", "time"),
        ("import time\nf = lambda time: probe(time)", ""),
        ("import time\nf = lambda time=probe(time): 1", "time"),
        ("class C:\n    import time\n    probe(time.sleep)", "time.sleep"),
        ("class C:\n    import time\n    def f(self):\n        probe(time)", "builtins.time"),
        ("def f():\n    global t\n    import time as t\nprobe(t.sleep)", "time.sleep"),
        (
            "def f():\n    t = None\n    def g():\n        nonlocal t\n        import time as t\n    probe(t.sleep)",
            "time.sleep",
        ),
        ("import time\ntry:\n    pass\nexcept E as time:\n    pass\nprobe(time)", ""),
        ("import time\nmatch x:\n    case [time, *_]: pass\nprobe(time)", ""),
        ("import time\nif (time := 1): pass\nprobe(time)", ""),
        ("import time\nwith x as (time, y): pass\nprobe(time)", ""),
        ("def helper(): pass\nprobe(helper)", "shop.web.views.helper"),
        ("class C:\n    def f(self):\n        probe(self.g)\n    def g(self): pass", "shop.web.views.C.g"),
        ("class C:\n    def g(self): pass\nc = C()\nprobe(c.g)", "shop.web.views.C.g"),
        ("class C:\n    @staticmethod\n    def f(x):\n        probe(x.g)\n    def g(self): pass", ""),
        ("def f():\n    def g(): pass\n    probe(g)", "shop.web.views.f.g"),
    ] {
        names(text, expected);
    }
}

#[test]
fn instances_are_followed_from_where_they_are_made() {
    for (text, expected) in [
        ("import requests\nprobe(requests.Session())", "requests.Session"),
        ("import requests\ns = requests.session()\nprobe(s)", "requests.Session"),
        ("import requests\ns = None\ns = requests.Session()\nprobe(s)", "requests.Session"),
        ("import requests\ns = requests.Session()\ns = other()\nprobe(s)", ""),
        ("import requests\nwith requests.Session() as s:\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s: requests.Session):\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s: 'requests.Session'):\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s: requests.Session | None = None):\n    probe(s)", "requests.Session"),
        ("import typing as t, requests\ndef f(s: t.Optional[requests.Session]):\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s: requests.Session | str):\n    probe(s)", ""),
        ("import requests\ndef f(s=requests.Session()):\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s=None):\n    s = s or requests.Session()\n    probe(s)", "requests.Session"),
        ("import requests\ndef f(s):\n    probe(s)", ""),
        ("import requests\ndef make() -> requests.Session: ...\nprobe(make())", "requests.Session"),
        (
            "from contextlib import closing\nimport sqlite3\nwith closing(sqlite3.connect(p)) as c:\n    probe(c)",
            "sqlite3.Connection",
        ),
        ("import sqlite3\nprobe(sqlite3.connect(p).cursor())", "sqlite3.Cursor"),
        (
            "import sqlalchemy as sa\ne = sa.create_engine(u)\nwith e.connect() as c:\n    probe(c)",
            "sqlalchemy.engine.Connection",
        ),
        (
            "from sqlalchemy import create_engine as c\nwith c(u).begin() as x:\n    probe(x)",
            "sqlalchemy.engine.Connection",
        ),
        (
            "import multiprocessing as mp\nctx = mp.get_context('spawn')\nprobe(ctx.Pool(2))",
            "multiprocessing.pool.Pool",
        ),
        ("a, b = Session(), 1\nimport requests\n[s, t] = requests.Session(), 2\nprobe(s)", "requests.Session"),
        ("import requests\nx: requests.Session = make()\nprobe(x)", "requests.Session"),
        ("import queue\nq: 'queue.Queue[int]' = f()\nprobe(q)", ""),
        ("import requests\nprobe(a if b else requests.Session())", ""),
        ("import requests\nprobe(None if b else requests.Session())", "requests.Session"),
        ("import threading as t\nprobe(t.current_thread())", ""),
    ] {
        instances(text, expected);
    }
}

#[test]
fn attributes_of_an_instance_are_followed_when_all_methods_agree() {
    let class = |rest: &str| {
        format!(
            "import requests, httpx\nclass C:\n    client = None\n    def __init__(self, given: httpx.Client):\n        \
             self.session = requests.Session()\n        self.given = given\n{rest}"
        )
    };
    for (rest, expected) in [
        ("    def f(self):\n        probe(self.session)", "requests.Session"),
        ("    def f(me):\n        probe(me.given)", "httpx.Client"),
        ("    def f(self):\n        def g():\n            probe(self.session)", "requests.Session"),
        ("    def f(self):\n        self.session = None\n        probe(self.session)", "requests.Session"),
        ("    def f(self):\n        self.session = other()\n        probe(self.session)", ""),
        ("    def f(self):\n        self.client = httpx.Client()\n        probe(self.client)", "httpx.Client"),
        ("c = C(x)\nprobe(c.session)", "requests.Session"),
        ("def f(c: C):\n    probe(c.session)", "requests.Session"),
        ("class D:\n    def f(self):\n        self.c = C(x)\n        probe(self.c.session)", "requests.Session"),
        ("class D:\n    def f(self):\n        probe(self.session)", ""),
    ] {
        instances(&class(rest), expected);
    }
    names(&class("    def f(self):\n        probe(self.session.get)"), "requests.Session.get");
}

#[test]
fn long_chains_end_and_take_no_time() {
    let chain = format!("import a\nprobe(a{})", ".b()".repeat(200));
    assert_eq!(probe(&chain), [[None, None]]);
    let circle: String = (0..200).map(|n| format!("x{n} = x{}.y\n", (n + 1) % 200)).collect();
    assert_eq!(probe(&format!("{circle}probe(x0.z)")), [[None, None]]);
}

#[test]
fn builtins_keep_their_meaning_below_a_star_unless_it_may_bind_them() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    for (name, text) in [
        ("plain.py", "def read(path):\n    return open(path)\n"),
        ("files.py", "def open(path):\n    return path\n"),
        ("taken.py", "from codecs import open as open, lookup\n"),
        ("given.py", "input = None\nprint(sorted)\n"),
        ("passing.py", "from files import *\n"),
        ("shop/__init__.py", ""),
        ("shop/files.py", "from os import open\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        std::fs::write(path, text)?;
    }
    let told = |name: &str, text: &str| {
        let path = folder.path().join(name);
        let source = Source::parse(&path, text.as_bytes()).expect("it is text");
        let module = Module::of(&path);
        let names = Names::of(&source, &module, &Catalogue::get().kinds);
        let mut probes = Probes { names: &names, here: ScopeId::MODULE, told: Vec::new() };
        probes.visit_body(source.body());
        probes.told.iter().flatten().next().cloned().flatten()
    };
    for (name, text, expected) in [
        ("app.py", "from tkinter import *\nprobe(open)", Some("builtins.open")),
        ("app.py", "from tkinter import *\nprobe(sleep)", None),
        ("app.py", "from tkinter import *\nopen = 1\nprobe(open)", None),
        ("app.py", "from os import *\nprobe(open)", None),
        ("app.py", "from plain import *\nprobe(open)", Some("builtins.open")),
        ("app.py", "from files import *\nprobe(open)", None),
        ("app.py", "from files import *\nprobe(input)", Some("builtins.input")),
        ("app.py", "from taken import *\nprobe(open)", None),
        ("app.py", "from given import *\nprobe(input)", None),
        ("app.py", "from passing import *\nprobe(input)", None),
        ("app.py", "import files\nprobe(open)", Some("builtins.open")),
        ("shop/web.py", "from .files import *\nprobe(open)", None),
        ("shop/web.py", "from shop.files import *\nprobe(open)", None),
        ("shop/web.py", "from .files import *\nprobe(input)", Some("builtins.input")),
        ("shop/__init__.py", "from .files import *\nprobe(open)", None),
        ("shop/web.py", "from ..files import *\nprobe(open)", None),
    ] {
        assert_eq!(told(name, text).as_deref(), expected, "{name}: {text}");
    }
    Ok(())
}
