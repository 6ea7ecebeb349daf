//! Real native files, built here by `cc`: what they are built on, what cannot be told, and what `check` says of them.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use concadvise::target::binary::{BinaryFacts, Component, Evidence, FileKind, Unknown, read};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::scene;

/// A folder to build in.
struct Built(tempfile::TempDir);

impl Built {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles `code` with `flags` as `name`.
    fn cc(&self, name: &str, code: &str, flags: &[&str]) -> PathBuf {
        let (source, built) = (self.path(&format!("{name}.c")), self.path(name));
        fs::write(&source, code).expect("a file");
        let mut cc = Command::new("cc");
        let ran = cc.arg(&source).args(flags).arg("-o").arg(&built).output().expect("these tests need a cc on PATH");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        built
    }

    fn facts(&self, name: &str, code: &str, flags: &[&str]) -> BinaryFacts {
        read(&self.cc(name, code, flags)).expect("it is ELF")
    }
}

fn seen(facts: &BinaryFacts, component: Component) -> Option<Evidence> {
    facts.native.inside.get(component).map(|found| found.evidence())
}

const THREADS: &str = "#include <pthread.h>\n#include <sys/epoll.h>\n\
    static void *work(void *of) { return of; }\n\
    int main(void) { pthread_t one; epoll_create1(0); return pthread_create(&one, 0, work, 0); }\n";
const PLAIN: &str = "int main(void) { return 0; }\n";

/// What a stripped Rust program holds: texts that end where the next one begins.
const RUST: &str = "const char texts[] = \"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/tokio-1.38.0/src/\
    runtime/mod.rsRAYON_NUM_THREADS/x/rayon-core-1.12.1/src/registry.rs/x/rayon-1.10.0/src/lib.rslibrary/std/src/thread/mod.rs\";\n\
    int main(int of, char **at) { return texts[of]; }\n";

#[test]
fn threads_are_known_by_the_names_that_a_program_wants() {
    let built = Built::new();
    for (name, flags) in [("whole", &[][..]), ("stripped", &["-s"])] {
        let facts = built.facts(name, THREADS, flags);
        assert_eq!(seen(&facts, Component::PosixThreads), Some(Evidence::DynamicSymbol), "{name}");
        assert_eq!(seen(&facts, Component::Epoll), Some(Evidence::DynamicSymbol), "{name}");
        assert_eq!((facts.kind, facts.stripped), (FileKind::Executable, name == "stripped"));
        // Without its names, nobody knows what else is in it.
        let expected = if name == "stripped" { None } else { Some(false) };
        assert_eq!(facts.native.inside.has(Component::OpenMp), expected, "{name}");
    }
}

#[test]
fn a_static_program_is_known_by_its_own_names_until_they_are_stripped() {
    let built = Built::new();
    let facts = built.facts("whole", THREADS, &["-static"]);
    assert!(facts.native.statically_linked);
    assert_eq!(seen(&facts, Component::PosixThreads), Some(Evidence::Symbol));
    assert_eq!(seen(&facts, Component::Epoll), Some(Evidence::Symbol));
    let facts = built.facts("stripped", THREADS, &["-static", "-s"]);
    assert_eq!(seen(&facts, Component::PosixThreads), None);
    assert!(facts.native.inside.unknown.contains(&Unknown::Nameless), "{:?}", facts.native.inside);
}

#[test]
fn crates_are_known_in_a_stripped_static_program() {
    let facts = Built::new().facts("rust", RUST, &["-static", "-s"]);
    let version = |component| facts.native.inside.get(component).and_then(|found| found.version.as_deref());
    assert_eq!(version(Component::Tokio), Some("1.38.0"));
    assert_eq!(version(Component::Rayon), Some("1.10.0"));
    assert_eq!(seen(&facts, Component::Rust), Some(Evidence::SourcePath));
    assert_eq!(seen(&facts, Component::Rayon), Some(Evidence::SourcePath));
}

#[test]
fn a_name_that_is_the_end_of_another_is_only_believed_where_something_has_it() {
    let built = Built::new();
    let ours = "int my_epoll_wait(void) { return 0; }\nint main(void) { return my_epoll_wait(); }\n";
    assert_eq!(seen(&built.facts("ours", ours, &["-O0"]), Component::Epoll), None);
    // A linker keeps one text for both names.
    let both = "int epoll_wait(void) { return 1; }\nint my_epoll_wait(void) { return 0; }\n\
                int main(void) { return my_epoll_wait() + epoll_wait(); }\n";
    assert_eq!(
        seen(&built.facts("both", both, &["-O0", "-fno-builtin", "-static"]), Component::Epoll),
        Some(Evidence::Symbol)
    );
}

#[test]
fn libraries_and_what_they_bring_are_told() {
    let built = Built::new();
    // A library of that name, with nothing in it: the real one need not be here.
    for name in ["libgomp.so.1", "libpython3.11.so.1.0"] {
        let code = "int here(void) { return 0; }\n";
        built.cc(name, code, &["-shared", "-fPIC", &format!("-Wl,-soname,{name}")]);
    }
    let (openmp, python) = (built.path("libgomp.so.1"), built.path("libpython3.11.so.1.0"));
    let (openmp, python) = (openmp.to_string_lossy(), python.to_string_lossy());
    let facts = built.facts("both", PLAIN, &["-Wl,--no-as-needed", &*openmp, &*python]);
    assert_eq!(seen(&facts, Component::OpenMp), Some(Evidence::Library));
    let python = facts.native.inside.get(Component::CPython).expect("it is there");
    assert_eq!(python.title(), "CPython 3.11");
    // What OpenMP's library brings is known; what else Python's does is not.
    let names = |unknown: &Unknown| matches!(unknown, Unknown::Libraries(names) if names == &["libpython3.11.so.1.0"]);
    assert!(facts.native.inside.unknown.iter().any(names), "{:?}", facts.native.inside.unknown);
    assert_eq!(read(&built.path("libgomp.so.1")).expect("it is ELF").kind, FileKind::Library);
    let facts = built.facts("object.o", "int GOMP_parallel(void);\nint f(void) { return GOMP_parallel(); }\n", &["-c"]);
    assert_eq!((facts.kind, seen(&facts, Component::OpenMp)), (FileKind::Object, Some(Evidence::Symbol)));
}

#[test]
fn a_go_program_is_known_by_the_section_that_its_linker_writes() {
    // The section as Go 1.22 writes it, with the version and an empty list.
    let code = "__asm__(\".section .go.buildinfo,\\\"aw\\\"\\n.balign 16\\n.ascii \\\"\\\\377 Go buildinf:\\\\10\\\\2\\\"\\n\
                .zero 16\\n.byte 8\\n.ascii \\\"go1.22.3\\\"\\n.byte 0\\n.text\\n\");\nint main(void) { return 0; }\n";
    let facts = Built::new().facts("go", code, &["-static", "-s"]);
    let go = facts.native.inside.get(Component::Go).expect("it is Go");
    assert_eq!((go.title(), go.evidence()), ("Go 1.22.3".to_owned(), Evidence::BuildInfo));
    assert!(!facts.native.inside.unknown.contains(&Unknown::NoBuildInfo));
}

#[test]
fn a_file_cut_anywhere_or_spoilt_is_read_or_refused() {
    let built = Built::new();
    let whole = fs::read(built.cc("whole", THREADS, &[])).expect("it was built");
    let path = built.path("hostile");
    let check = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("a file");
        match read(&path) {
            Ok(facts) => assert_eq!(facts.bits, 64),
            Err(clause) => assert!(clause.starts_with("it "), "{clause}"),
        }
    };
    (0..whole.len()).step_by(397).for_each(|length| check(&whole[..length]));
    // The section table is at the end; each byte of it and of the headers may be any.
    let table = whole.len() - 64 * 24;
    for at in (0..1024).step_by(5).chain((table..whole.len()).step_by(7)) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0xff;
        if spoilt[..5] == whole[..5] {
            check(&spoilt);
        }
    }
}

/// What `check` says of a program, named by its whole path.
fn check(built: &Built, name: &str, options: &str) -> support::Ran {
    scene().type_in(&format!("check {options} {}", built.path(name).display()))
}

#[test]
fn check_tells_what_a_named_binary_is_built_on() {
    let built = Built::new();
    built.cc("server", THREADS, &["-s"]);
    let ran = check(&built, "server", "").exits(0).says_nothing();
    let page = String::from_utf8_lossy(&ran.stdout).into_owned();
    for line in [
        "/server: 64-bit ",
        " executable, linked dynamically, names stripped\n",
        "  call      pthread_create: dynamic symbol pthread_create at 0x",
        "  executor  none was found\n",
        "  unknown   its own names were stripped",
    ] {
        assert!(page.contains(line), "{line:?} is missing in\n{page}");
    }
    assert!(!page.contains("checked"), "{page}");
}

#[test]
fn programs_read_what_a_binary_is_built_on() {
    let built = Built::new();
    built.cc("tool", RUST, &["-s"]);
    let ran = check(&built, "tool", "--format json").exits(0);
    let document: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let binary = &document["binaries"][0];
    assert_eq!((&binary["kind"], &binary["stripped"]), (&"executable".into(), &true.into()));
    let tokio = binary["components"].as_array().expect("components").iter().find(|one| one["name"] == "tokio");
    let tokio = tokio.expect("it is there");
    assert_eq!((&tokio["version"], &tokio["workers_variable"]), (&"1.38.0".into(), &"TOKIO_WORKER_THREADS".into()));
    assert_eq!(tokio["evidence"][0]["kind"], "source path");
    assert!(!binary["unknown"].as_array().expect("a list").is_empty());
}

#[test]
fn only_named_binaries_are_read_and_one_named_as_python_is_told() {
    let built = Built::new();
    let program = built.cc("server", PLAIN, &[]);
    fs::create_dir(built.path("shop")).expect("a folder");
    for copy in ["shop/app.py", "shop/server"] {
        fs::copy(&program, built.path(copy)).expect("a copy");
    }
    fs::write(built.path("shop/ok.py"), "x = 1\n").expect("a file");
    let ran = check(&built, "shop", "").exits(0).says("app.py: it is an ELF file, whatever its name says");
    ran.prints("2 files checked: no findings\n");
    check(&built, "shop/app.py", "").exits(0).says("app.py: it is named as Python and is an ELF file");
}

#[test]
fn what_is_neither_python_nor_native_is_said_in_a_sentence() {
    for (name, text, says) in [
        ("lib.a", "!<arch>\n", "lib.a: it is a static library"),
        ("run.sh", "#!/bin/sh\necho\n", "run.sh: it is a script of sh, and only Python is checked"),
        ("run", "#!/usr/bin/env -S node --x\n", "run: it is a script of node"),
        ("broken", "\u{7f}ELF", "broken: it begins as an ELF file"),
    ] {
        scene().file(name, 0o644, text).type_in(&format!("check {name}")).exits(2).says(says);
    }
    scene().file("tool", 0o755, "#!/usr/bin/env python3\nx = 1\n").type_in("check tool").exits(0).says_nothing();
    scene().pipe("pipe").type_in("check pipe").exits(2).says("pipe: it is not a regular file");
    assert_eq!(read(Path::new("/dev/null")), Err("it is not a regular file".to_owned()));
}
