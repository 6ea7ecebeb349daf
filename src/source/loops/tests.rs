//! What is found in a few lines of source.

use super::*;
use crate::source::program::Module;
use crate::source::python::Source;

fn module(name: &str, text: &str) -> Module {
    let source = Source::parse(Path::new(&format!("/{name}.py")), text.as_bytes()).expect("it is text");
    Module { name: name.to_owned(), package: false, source }
}

fn of(modules: &[(&str, &str)]) -> Loops {
    let modules = modules.iter().map(|(name, text)| module(name, text)).collect();
    Loops::of(&Program { modules, unread: Vec::new() })
}

/// Each site as `written → qualnames (form at its line, kept or not)`.
fn shown(loops: &Loops) -> Vec<String> {
    let one = |site: &Site| {
        let meant: Vec<&str> = site.meant.iter().map(|one| one.qualname.as_str()).collect();
        let kept = if site.kept { "kept" } else { "dropped" };
        format!("{} → {} ({} at {}, {kept})", site.written, meant.join(" "), site.form, site.loop_line)
    };
    loops.sites.iter().map(one).collect()
}

#[test]
fn every_form_of_a_call_for_each_item_is_found() {
    const F: &str = "def f(x): pass\n";
    for (text, expect) in [
        ("for x in xs:\n    f(x)\n", "f → f (loop at 2, dropped)"),
        ("for x in xs:\n    if x:\n        out.append(f(x))\n", "f → f (loop at 2, kept)"),
        ("while xs:\n    y = f(xs.pop())\n", "f → f (loop at 2, kept)"),
        ("out = [f(x) for x in xs]\n", "f → f (comprehension at 2, kept)"),
        ("out = {x: f(x) for x in xs}\n", "f → f (comprehension at 2, kept)"),
        ("s = sum(f(x) for x in xs if x)\n", "f → f (comprehension at 2, kept)"),
        ("out = list(map(f, xs))\n", "f → f (map at 2, kept)"),
        ("out = list(itertools.starmap(f, xs))\n", "f → f (map at 2, kept)"),
        ("for x in xs:\n    with y:\n        print(f(x))\n", "f → f (loop at 2, kept)"),
    ] {
        assert_eq!(shown(&of(&[("app", &format!("{F}{text}"))])), [expect], "{text}");
    }
    for text in
        ["f(1)\n", "for x in f(1):\n    g(x)\n", "for x in xs:\n    def g(): f(x)\n", "map(f)\n", "[x for x in f(1)]\n"]
    {
        assert_eq!(of(&[("app", &format!("{F}{text}"))]).sites, [], "{text}");
    }
}

#[test]
fn a_name_means_what_it_does_where_it_is_called() {
    for (text, expect) in [
        ("def main():\n    def g(x): pass\n    for x in xs: g(x)\n", "g → main.<locals>.g (loop at 3, dropped)"),
        ("sq = lambda x: x\nprint([sq(x) for x in xs])\n", "sq → <lambda> (comprehension at 2, kept)"),
        ("list(map(lambda x: x, xs))\n", "a lambda → <lambda> (map at 1, kept)"),
        (
            "class A:\n    def go(self):\n        for x in self.xs: self.one(x)\n    def one(self, x): pass\n",
            "self.one → A.one (loop at 3, dropped)",
        ),
        (
            "class A:\n    def one(self, x): pass\nclass B:\n    def one(self, x): pass\nfor x in xs: a.one(x)\n",
            "a.one → A.one B.one (loop at 5, dropped)",
        ),
        (
            "class A:\n    def one(self, x): pass\nclass B:\n    def one(self, x): pass\nfor x in xs: B.one(x)\n",
            "B.one → B.one (loop at 5, dropped)",
        ),
    ] {
        assert_eq!(shown(&of(&[("app", text)])), [expect], "{text}");
    }
    let side = ("pack.side", "import functools\n@functools.cache\ndef g(x):\n    return x\n");
    for text in [
        "from pack.side import g\nfor x in xs: g(x)\n",
        "from pack import side\nfor x in xs: side.g(x)\n",
        "import pack.side\nfor x in xs: pack.side.g(x)\n",
        "import pack.side as s\nfor x in xs: s.g(x)\n",
        "from pack import g as h\nfor x in xs: h(x)\n",
    ] {
        let loops = of(&[("app", text), ("pack", "from pack.side import g\n"), side]);
        let [site] = loops.sites.as_slice() else { panic!("{text}: {loops:?}") };
        let [meant] = site.meant.as_slice() else { panic!("{text}: {site:?}") };
        assert_eq!((meant.path.as_path(), meant.line, meant.def), (Path::new("/pack.side.py"), 2, 3), "{text}");
    }
}

#[test]
fn what_does_no_work_when_it_is_called_is_left_out() {
    let generator = "def g(x):\n    yield x\nfor x in xs: g(x)\n";
    let gathered = "async def g(x): pass\nasync def main():\n    await gather(*[g(x) for x in xs])\n";
    for text in [generator, gathered] {
        assert_eq!(of(&[("app", text)]).sites, [], "{text}");
    }
    let awaited = "async def g(x): pass\nasync def main():\n    for x in xs:\n        await g(x)\n";
    assert_eq!(shown(&of(&[("app", awaited)])), ["g → g (loop at 3, dropped)"]);
}

#[test]
fn what_one_call_needs_of_the_one_before_is_seen() {
    for (body, carried) in [
        ("acc = f(acc, x)", Some("acc")),
        ("acc += f(acc, x)", Some("acc")),
        ("y = f(x, last)\n    last = y", Some("last")),
        ("state = state.f(x)", Some("state")),
        ("table[x] = f(table, x)", Some("table")),
        ("self.state = self.state.f(x)", Some("self.state")),
        ("self.out[x] = self.f(x)", None),
        ("out = f(x)", None),
        ("f(n)\n    n += 1", None),
        ("f(x, before)\n    before = x", None),
        ("y = x + 1\n    z = f(y)", None),
        ("total += f(x)", None),
        ("x = f(x)", None),
        ("out.append(f(x, base))", None),
    ] {
        let text = format!("class S:\n  def f(self, x): pass\ndef f(x, y=0): pass\nfor x in xs:\n    {body}\n");
        let loops = of(&[("app", &text)]);
        let [site] = loops.sites.as_slice() else { panic!("{body}: {loops:?}") };
        let said = site.carried.as_deref();
        assert_eq!(said.is_some(), carried.is_some(), "{body}: {said:?}");
        assert!(said.unwrap_or_default().contains(carried.unwrap_or_default()), "{body}: {said:?}");
    }
}

#[test]
fn a_loop_that_ends_early_or_feeds_itself_is_doubtful() {
    for (text, doubt) in [
        ("for x in xs:\n    if f(x):\n        break\n", Some("line 4")),
        ("for x in xs:\n    y = f(x)\n    if y is None:\n        break\n", Some("line 5")),
        ("for x in xs:\n    if x is None:\n        break\n    f(x)\n", None),
        ("for x in xs:\n    for y in x:\n        if y: break\n    f(x)\n", None),
        ("while todo:\n    todo.extend(f(todo.pop()))\n", Some("adds to todo (line 3)")),
        ("while todo:\n    done.append(f(todo.pop()))\n", None),
    ] {
        let loops = of(&[("app", &format!("def f(x): pass\n{text}"))]);
        let [site] = loops.sites.as_slice() else { panic!("{text}: {loops:?}") };
        let said = site.doubt.as_deref();
        assert_eq!(said.is_some(), doubt.is_some(), "{text}: {said:?}");
        assert!(said.unwrap_or_default().contains(doubt.unwrap_or_default()), "{text}: {said:?}");
    }
}

#[test]
fn loops_are_counted_also_those_that_call_nothing_of_the_programs_own() {
    let loops = of(&[("app", "for x in xs:\n    print([y for y in x])\nlist(map(str, xs))\n")]);
    assert_eq!((loops.files, loops.loops, loops.sites.len()), (1, 3, 0));
}
