//! From a command to the runtime that would execute it, by looking at files only.
//!
//! Follows what the kernel and `env` would do, one hop at a time: script to interpreter, `env` to command, until there
//! is a native executable. A launcher that decides while it runs (a pyenv shim, `nice`, `make`) is where this ends.

use super::program::{self, Format, Shebang};
use super::python::{self, Kind};
use super::{CPython, Runtime, env};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The kernel gives up after five interpreters of interpreters; each may have an `env` between.
const MOST_HOPS: usize = 10;

/// Interpreters whose programs run one thread of code, so that a worker more is a process more, however the program
/// was named: by its first line (`./build.sh`) or to the interpreter (`sh build.sh`). Those that run threads of code in
/// parallel (a JVM, .NET) are native programs to us.
const INTERPRETERS: [&str; 14] =
    ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox", "perl", "ruby", "node", "php", "lua", "Rscript"];

/// What would execute `program` when it is started with `argv`.
pub(super) fn runtime(program: &Path, argv: &[OsString], path: Option<&OsStr>) -> Runtime {
    let mut program = program.to_path_buf();
    let mut argv = argv.to_vec();
    let mut path = path.map(OsStr::to_owned);
    let mut through_script = false;
    for _ in 0..MOST_HOPS {
        match Format::of(&program) {
            Ok(Format::Script(shebang)) => {
                through_script = true;
                argv = argv_of_interpreter(&shebang, &program, &argv);
                program = shebang.interpreter;
            }
            Ok(Format::Elf(headers)) => {
                let is_env = program.file_name() == Some(OsStr::new("env"));
                if let Some((command, its_path)) = is_env.then(|| env::command(&argv[1..], path.as_deref())).flatten() {
                    let Some(found) = program::find(&command[0], its_path.as_deref()) else {
                        return script_or(through_script, PathBuf::from(&command[0]), Runtime::Other);
                    };
                    (program, argv, path) = (found, command, its_path);
                    continue;
                }
                return match python::kind(&program, &headers.native) {
                    Kind::CPython => Runtime::CPython(CPython::new(absolute(&program), python::entry(&argv[1..]))),
                    Kind::OtherImplementation => Runtime::Other,
                    Kind::Foreign => {
                        script_or(through_script || interprets(&program), program, Runtime::Native(headers.native))
                    }
                };
            }
            Ok(Format::Empty | Format::Unknown) | Err(_) => return script_or(through_script, program, Runtime::Other),
        }
    }
    Runtime::Other
}

/// The kernel starts the interpreter with: its name, the line's argument, the script, the script's own arguments.
fn argv_of_interpreter(shebang: &Shebang, script: &Path, argv: &[OsString]) -> Vec<OsString> {
    let line = [Some(shebang.interpreter.clone().into_os_string()), shebang.argument.clone()];
    let script = [script.as_os_str().to_owned()];
    line.into_iter().flatten().chain(script).chain(argv.iter().skip(1).cloned()).collect()
}

/// Whether its name, without a version (`ruby3.1`, `php8.2`), is that of such an interpreter.
fn interprets(program: &Path) -> bool {
    let name = program.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS.contains(&name)
}

fn script_or(through_script: bool, interpreter: PathBuf, otherwise: Runtime) -> Runtime {
    if through_script { Runtime::Script { interpreter } } else { otherwise }
}

/// The path as invoked, made good for another working directory. Symbolic links stay: a virtual environment is known
/// to its interpreter only by the link it was started through.
pub(super) fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf())
}
