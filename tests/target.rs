//! `Target` against real files in a temporary folder: scripts, links, executables, and things that are neither.

use concadvise::target::binary::{Component, Inside};
use concadvise::target::{CPython, PythonEntry, Runtime, Target, why_not_executable};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

/// A small native executable that is certainly there.
const ELF: &str = "/bin/sh";

/// A machine in a folder. `~` stands for the folder in every path and script, `$` for the content of [`ELF`].
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().expect("a temporary folder"));
        for (path, content) in [
            ("bin/python3.12", "$"),
            ("bin/pypy3", "$"),
            ("bin/env", "$"),
            ("bin/bash", "$"),
            ("bin/node", "$"),
            ("bin/true", "$"),
            ("bin/shim", "#!~/bin/env bash\nexec something\n"),
            ("bin/text", "echo no first line\n"),
            ("bin/empty", ""),
            ("late/python", "$"),
            ("app.py", "#!~/bin/env python3\n"),
            ("unbuffered.py", "#!~/bin/env -S python3 -u -X dev\n"),
            ("module.py", "#!~/bin/python3.12 -mpackage\n"),
            ("tool", "#!~/venv/bin/python\n"),
            ("wrapped", "#!~/tool\n"),
            ("server.js", "#!~/bin/env node\n"),
            ("gone", "#!~/bin/gone -x\n"),
            ("gone-env", "#!~/bin/env gone\n"),
            ("loop", "#!~/loop\n"),
        ] {
            let file = world.path(path);
            fs::create_dir_all(file.parent().expect("below the world")).expect("a folder");
            match content {
                "$" => drop(fs::copy(ELF, &file).expect("an executable")),
                text => fs::write(&file, world.fill(text)).expect("a file"),
            }
            fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a permission");
        }
        for (link, to) in [
            ("bin/python3", "python3.12"),
            ("venv/bin/python", "../../bin/python3.12"),
            ("pypy-venv/bin/python", "../../bin/pypy3"),
            ("bin/py", "python3.12"),
        ] {
            let link = world.path(link);
            fs::create_dir_all(link.parent().expect("below the world")).expect("a folder");
            symlink(to, link).expect("a link");
        }
        fs::create_dir(world.path("early")).expect("a folder");
        fs::write(world.path("early/python"), "not executable").expect("a file");
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn fill(&self, text: &str) -> String {
        text.replace('~', &self.0.path().to_string_lossy())
    }

    fn argv(&self, command: &str) -> Vec<OsString> {
        self.fill(command).split_whitespace().map(OsString::from).collect()
    }

    fn detect(&self, command: &str) -> Target {
        Target::detect(self.argv(command), Some(OsStr::new(&self.fill("~/early::~/bin:~/late"))))
    }

    /// A runtime in few words, with `~` for the world's folder.
    fn shown(&self, runtime: &Runtime) -> String {
        let text = match runtime {
            Runtime::CPython(python) => format!("{} runs {:?}", python.executable.display(), python.entry),
            Runtime::Script { interpreter } => format!("script of {}", interpreter.display()),
            other => other.name().to_owned(),
        };
        text.replace(&*self.0.path().to_string_lossy(), "~")
    }

    fn check(&self, command: &str, expect: &str) {
        assert_eq!(self.shown(&self.detect(command).runtime), expect, "{command}");
    }
}

#[test]
fn python_is_found_behind_names_links_first_lines_and_env() {
    let world = World::new();
    for (command, expect) in [
        ("python3 app.py 7", "~/bin/python3 runs File(\"app.py\")"),
        ("python3.12 -m http.server", "~/bin/python3.12 runs Module(\"http.server\")"),
        ("python -Ic pass", "~/late/python runs Code"),
        ("py", "~/bin/py runs Stdin"),
        ("~/venv/bin/python -u app.py", "~/venv/bin/python runs File(\"app.py\")"),
        ("env A=1 PYTHONPATH=. python3 app.py", "~/bin/python3 runs File(\"app.py\")"),
        ("env PATH=~/late python app.py", "~/late/python runs File(\"app.py\")"),
        ("~/app.py 7", "~/bin/python3 runs File(\"~/app.py\")"),
        ("~/unbuffered.py", "~/bin/python3 runs File(\"~/unbuffered.py\")"),
        ("~/module.py", "~/bin/python3.12 runs Module(\"package\")"),
        ("~/tool --fast", "~/venv/bin/python runs File(\"~/tool\")"),
        ("~/wrapped", "~/venv/bin/python runs File(\"~/tool\")"),
    ] {
        world.check(command, expect);
    }
}

#[test]
fn what_is_not_cpython_is_not_taken_for_it() {
    let world = World::new();
    for (command, expect) in [
        ("true python3", "native"),
        ("env", "native"),
        ("env -C / python3", "native"),
        ("env A=1 true", "native"),
        ("bash -c python3", "script of ~/bin/bash"),
        ("shim app.py", "script of ~/bin/bash"),
        ("~/server.js", "script of ~/bin/node"),
        ("node server.js", "script of ~/bin/node"),
        ("~/gone", "script of ~/bin/gone"),
        ("~/gone-env", "script of gone"),
        ("~/loop", "other"),
        ("pypy3 app.py", "other"),
        ("~/pypy-venv/bin/python app.py", "other"),
        ("text", "other"),
        ("empty", "other"),
        ("~/bin", "other"),
        ("/dev/null", "other"),
        ("no-such-command", "other"),
        ("", "other"),
    ] {
        world.check(command, expect);
    }
}

#[test]
fn a_program_is_found_as_execvp_finds_it() {
    let world = World::new();
    for (command, expect) in
        [("python", Some("~/late/python")), ("~/bin/text", Some("~/bin/text")), ("~/none/text", None), ("none", None)]
    {
        let expect = expect.map(|path| PathBuf::from(world.fill(path)));
        assert_eq!(world.detect(command).program, expect, "{command}");
    }
    // In the way but not executable: given all the same when nothing else is, so that its error can be told.
    let only_early = Target::detect(world.argv("python"), Some(world.path("early").as_os_str()));
    assert_eq!(only_early.program, Some(world.path("early/python")));
    assert_eq!(Target::detect(vec![OsString::new()], Some(OsStr::new("/bin"))).program, None);
    assert_eq!(Target::detect(world.argv("sh"), None).program, Some(PathBuf::from("/bin/sh")));
}

#[test]
fn words_that_are_not_utf8_stay_as_they_are() {
    let world = World::new();
    let odd = OsString::from_vec(b"caf\xe9.py".to_vec());
    fs::write(world.0.path().join(&odd), world.fill("#!~/bin/env python3\n")).expect("a script");
    fs::set_permissions(world.0.path().join(&odd), PermissionsExt::from_mode(0o755)).expect("a permission");
    let script = world.0.path().join(&odd);
    for argv in [vec!["python3".into(), script.clone().into_os_string()], vec![script.clone().into_os_string()]] {
        let target = Target::detect(argv.clone(), Some(world.path("bin").as_os_str()));
        assert_eq!(target.argv, argv);
        let expect = CPython::new(world.path("bin/python3"), PythonEntry::File(script.clone()));
        assert_eq!(target.runtime, Runtime::CPython(expect));
    }
}

#[test]
fn hostile_files_are_not_elf_and_do_no_harm() {
    let world = World::new();
    let whole = fs::read(ELF).expect("an executable");
    let file = world.path("bin/hostile");
    fs::write(&file, "").expect("a file");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a permission");
    // Cut anywhere in its headers, or with each byte of them spoilt: no panic, and no runtime but these.
    let headers = 64 + 56 * 16;
    let cut = (0..headers).step_by(7).map(|length| whole[..length].to_vec());
    let spoilt = (4..headers).step_by(3).map(|at| {
        let mut bytes = whole[..headers.max(4096)].to_vec();
        bytes[at] = 0xff;
        bytes
    });
    for bytes in cut.chain(spoilt) {
        fs::write(&file, &bytes).expect("a file");
        let runtime = world.detect("hostile").runtime;
        assert!(matches!(runtime, Runtime::Other | Runtime::Native(_)), "{runtime:?}");
    }
}

#[test]
fn a_native_program_tells_its_machine_and_libraries() {
    let runtime = Target::detect(vec!["/proc/self/exe".into()], None).runtime;
    let Runtime::Native(native) = runtime else { panic!("{runtime:?}") };
    assert_eq!(native.arch, std::env::consts::ARCH);
    assert_eq!(native.statically_linked, cfg!(target_feature = "crt-static"));
    assert!(native.libraries.iter().any(|library| library.starts_with("libc.")), "{:?}", native.libraries);
}

#[test]
fn what_the_run_showed_replaces_a_guess_and_keeps_what_was_known() {
    let world = World::new();
    for (command, seen, argv_seen, expect) in [
        // A shell shim execs the real interpreter.
        ("shim app.py", "bin/python3.12", "~/bin/python3 app.py", "~/bin/python3 runs File(\"app.py\")"),
        ("shim app.py", "bin/python3.12", "~/venv/bin/python app.py", "~/venv/bin/python runs File(\"app.py\")"),
        // argv[0] that leads elsewhere is not believed; a title instead of arguments tells nothing.
        ("shim app.py", "bin/python3.12", "~/late/python app.py", "~/bin/python3.12 runs File(\"app.py\")"),
        ("shim", "bin/python3.12", "server: master [app]", "~/bin/python3.12 runs Unknown"),
        ("shim", "bin/python3.12", "", "~/bin/python3.12 runs Unknown"),
        // The same interpreter: its own worker processes do not change what was asked for.
        ("~/venv/bin/python a.py", "bin/python3.12", "~/venv/bin/python -c x", "~/venv/bin/python runs File(\"a.py\")"),
        ("python3 -V", "bin/python3.12", "~/bin/python3 a.py", "~/bin/python3 runs File(\"a.py\")"),
        ("true a.py", "bin/python3.12", "python3.12 a.py", "~/bin/python3.12 runs File(\"a.py\")"),
        ("python3 a.py", "late/python", "~/late/python b.py", "~/late/python runs File(\"b.py\")"),
        ("shim", "bin/pypy3", "pypy3 a.py", "other"),
        // Only an interpreter changes what executes the target.
        ("shim", "bin/true", "true", "script of ~/bin/bash"),
        ("python3 a.py", "bin/true", "true", "~/bin/python3 runs File(\"a.py\")"),
        ("text", "bin/true", "true", "native"),
        ("shim", "bin/none", "none", "script of ~/bin/bash"),
    ] {
        let mut target = world.detect(command);
        target.refine(&world.path(seen), &world.argv(argv_seen));
        assert_eq!(world.shown(&target.runtime), expect, "{command}, then {seen} as {argv_seen:?}");
    }
}

#[test]
fn a_native_program_is_looked_into_once_it_was_seen_to_run() {
    let world = World::new();
    let mut target = world.detect("true");
    let inside = |target: &Target| match &target.runtime {
        Runtime::Native(native) => native.inside.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(inside(&target), Inside::default());
    // What did the work may be another program than the one that was named.
    let itself = std::env::current_exe().expect("a test is a program");
    target.refine(&itself, &[]);
    assert!(inside(&target).get(Component::Rust).is_some(), "{:?}", inside(&target));
    // A program that is gone by then is what its headers said.
    target.refine(&world.path("bin/none"), &[]);
    assert!(inside(&target).get(Component::Rust).is_some());
}

#[test]
fn a_real_interpreter_tells_its_version() {
    let answer = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable, *sys.version_info[:3])"])
        .output()
        .expect("these tests need a python3 on PATH");
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    let (executable, version) = said.trim().split_once(' ').expect("a path and a version");
    let mut python = CPython::new(executable.into(), PythonEntry::Stdin);
    python.ask().expect("an answer");
    let (major, minor, micro) = python.version.expect("a version");
    assert_eq!(format!("{major} {minor} {micro}"), version);
    assert!(python.gil.is_some());
    assert_eq!(python.interpreters, Some((major, minor) >= (3, 14)));

    let mut none = CPython::new("/no/such/python3".into(), PythonEntry::Stdin);
    let error = none.ask().expect_err("no such file").to_string();
    assert!(error.contains("\"/no/such/python3\"") && error.contains("No such file"), "{error}");
    assert_eq!(none.version, None);
}

#[test]
fn a_refused_file_says_which_of_the_reasons_it_was() {
    let world = World::new();
    fs::write(world.path("dos"), "#!/bin/sh\r\n").expect("a file");
    fs::write(world.path("into-folder"), "#!/bin/\n").expect("a file");
    fs::write(world.path("into-text"), world.fill("#!~/early/python\n")).expect("a file");
    nix::unistd::mkfifo(&world.path("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let odd = OsStr::from_bytes(b"no\xffne");
    // The machine of an ELF file is at byte 18 (this number is no machine); its loader's path is in the clear.
    let mut foreign = fs::read(ELF).expect("an executable");
    foreign[18..20].copy_from_slice(&0xfeed_u16.to_ne_bytes());
    fs::write(world.path("foreign"), foreign).expect("a file");
    let mut unloadable = fs::read(ELF).expect("an executable");
    let loader = unloadable.windows(4).position(|bytes| bytes == b"/ld-").expect("a loader");
    unloadable[loader + 1..loader + 3].copy_from_slice(b"no");
    fs::write(world.path("unloadable"), unloadable).expect("a file");
    for file in ["dos", "into-folder", "into-text", "foreign", "unloadable"] {
        fs::set_permissions(world.path(file), PermissionsExt::from_mode(0o755)).expect("a permission");
    }
    let name = |name: &str| world.path(name);
    for (file, says) in [
        (name("bin"), "is a directory"),
        (name("early/python"), "has no execute permission; give it with `chmod +x`"),
        (name("gone"), "names the interpreter \"~/bin/gone\" on its first line, which does not exist"),
        (name("dos"), "\"/bin/sh\\r\" on its first line, which ends in a carriage return"),
        (name("into-folder"), "which is a directory"),
        (name("into-text"), "which may not be executed"),
        (name("bin/text"), "neither a native executable nor a script"),
        (name("bin/empty"), "is empty"),
        (name("fifo"), "is not a regular file"),
        (name("foreign"), "is an executable for machine 65261, and this machine is"),
        (name("unloadable"), "/no-"),
        (name("none"), "cannot be looked at (No such file"),
        (world.0.path().join(odd), "no\\xFFne\" cannot be looked at"),
    ] {
        let why = why_not_executable(&file);
        assert!(why.contains(&world.fill(says)), "{}: {why}", file.display());
    }
}
