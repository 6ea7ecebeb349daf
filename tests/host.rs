//! `Host::read` against captured and constructed machines, each one text file in `tests/fixtures/hosts`, and against
//! the machine the tests run on.
//!
//! A `.tree` file opens with a comment that says what machine it stands for; `=== PATH` begins a file of it (its lines
//! follow), `=== PATH = VALUE` is a file of one line. `expected.toml` is what must be read, all of it.

use concadvise::host::Host;
use concadvise::notice::Notice;
use concadvise::units::Bytes;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts");
    let entries = fs::read_dir(&folder).expect("tests/fixtures/hosts").map(|entry| entry.expect("an entry").path());
    let mut trees: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "tree")).collect();
    trees.sort();
    trees
}

/// Unpacks a tree below `root`; gives back what is expected of it.
fn unpack(tree: &Path, root: &Path) -> Table {
    let text = fs::read_to_string(tree).expect("a fixture");
    let (about, files) = text.split_once("\n=== ").expect("a comment, then files");
    assert!(about.starts_with("# "), "{}: say what machine it stands for", tree.display());
    let mut expected = None;
    for file in files.split("\n=== ") {
        let (header, lines) = file.split_once('\n').unwrap_or((file, ""));
        let (path, content) = match header.split_once(" = ") {
            Some((path, value)) => (path, format!("{value}\n")),
            None => (header, lines.to_owned()),
        };
        if path == "expected.toml" {
            expected = Some(content.parse().unwrap_or_else(|error| panic!("{}: {error}", tree.display())));
            continue;
        }
        let place = root.join(path);
        fs::create_dir_all(place.parent().expect("below the root")).expect("a folder of the tree");
        fs::write(place, content).expect("a file of the tree");
    }
    expected.unwrap_or_else(|| panic!("{}: no expected.toml", tree.display()))
}

/// Everything a host says, as flat TOML; what is not told has no key.
fn described(host: &Host) -> Table {
    let (cpus, memory, rights) = (&host.cpus, &host.memory, &host.rights);
    let count = |count: usize| Some(Value::Integer(count as i64));
    let bytes = |bytes: Bytes| Some(Value::Integer(i64::try_from(bytes.0).expect("below the end of i64")));
    let notice = |notice: &Notice| match notice {
        Notice::Unavailable { what, why, .. } => Value::from(format!("{what}: {why}")),
        other => panic!("a host has no {} to give", other.code()),
    };
    let quota = cpus.quota.as_ref();
    let limit = memory.limit.as_ref();
    let values = [
        ("online", count(cpus.online)),
        ("affinity", count(cpus.affinity)),
        ("usable", count(cpus.usable())),
        ("usable_waiting", count(cpus.usable_waiting())),
        ("capacity", Some(cpus.capacity().into())),
        ("quota_cpus", quota.map(|quota| quota.cpus.into())),
        ("quota_from", quota.map(|quota| quota.from.display().to_string().into())),
        ("physical_cores", cpus.physical_cores.and_then(count)),
        ("smt", cpus.smt().map(Value::Boolean)),
        ("numa_nodes", count(cpus.numa_nodes)),
        ("memory_total_kib", bytes(Bytes(memory.total.0 / 1024))),
        ("memory_available_kib", bytes(Bytes(memory.available.0 / 1024))),
        ("limit_bytes", limit.and_then(|limit| bytes(limit.bytes))),
        ("limit_used_bytes", limit.and_then(|limit| bytes(limit.used))),
        ("limit_from", limit.map(|limit| limit.from.display().to_string().into())),
        ("memory_usable_bytes", memory.usable().and_then(bytes)),
        ("kernel", Some(host.kernel.clone().into())),
        ("arch", Some(host.arch.clone().into())),
        ("perf_event_paranoid", rights.perf_event_paranoid.map(|level| i64::from(level).into())),
        ("ptrace_scope", rights.ptrace_scope.map(|scope| i64::from(scope).into())),
        ("hidepid", Some(i64::from(rights.hidepid).into())),
        ("schedstat", Some(rights.schedstat.into())),
        ("notices", Some(host.notices.iter().map(notice).collect::<Vec<_>>().into())),
    ];
    values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// What a tree reads otherwise than expected, line by line; empty when all is well.
fn check(tree: &Path) -> String {
    let root = tempfile::tempdir().expect("a temporary folder");
    let mut expected = unpack(tree, root.path());
    // Kernels before 6.1 do not tell their architecture; ours is then the program's own.
    expected.entry("arch").or_insert_with(|| std::env::consts::ARCH.into());
    let read = described(&Host::read(root.path()));
    let keys: std::collections::BTreeSet<&String> = expected.keys().chain(read.keys()).collect();
    let differing = keys.into_iter().filter(|key| expected.get(*key) != read.get(*key));
    let line = |key| format!("{}: {key}: expected {:?}, read {:?}\n", tree.display(), expected.get(key), read.get(key));
    differing.map(line).collect()
}

#[test]
fn every_machine_of_the_matrix_is_read_as_expected() {
    let wrong: String = fixtures().iter().map(|tree| check(tree)).collect();
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_matrix_has_at_least_twenty_machines() {
    assert!(fixtures().len() >= 20, "{} trees", fixtures().len());
}

#[test]
fn the_affinity_read_here_is_the_one_the_kernel_schedules_by() {
    let mask = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("the mask of this thread");
    let allowed = (0..nix::sched::CpuSet::count()).filter(|cpu| mask.is_set(*cpu).is_ok_and(|set| set)).count();
    let host = Host::read(Path::new("/"));
    assert_eq!(host.cpus.affinity, allowed);
    assert!((1..=allowed).contains(&host.cpus.usable()), "{:?}", host.cpus);
    let usable = host.memory.usable().expect("a machine that tells its memory");
    assert!(usable > Bytes(0) && usable <= host.memory.total, "{:?}", host.memory);
    assert!(!host.kernel.is_empty());
}
