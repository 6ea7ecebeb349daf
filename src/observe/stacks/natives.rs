//! Threads of a Python process that run no Python: those that native libraries start for themselves. Told from how many
//! threads it has and how many of them have a stack, and from the libraries that it has mapped.

use super::super::probe::ProcPath;
use crate::observe::NativeThreads;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Beginnings of the names of libraries that start threads of their own, and what they are called.
const LIBRARIES: [(&str, &str); 12] = [
    ("libarrow", "Arrow"),
    ("libgomp", "OpenMP"),
    ("libiomp", "OpenMP"),
    ("libmkl_core", "MKL"),
    ("libmkl_rt", "MKL"),
    ("libomp", "OpenMP"),
    ("libopenblas", "OpenBLAS"),
    ("libscipy_openblas", "OpenBLAS"),
    ("libtbb", "TBB"),
    ("libtensorflow", "TensorFlow"),
    ("libtorch_cpu", "PyTorch"),
    ("polars.", "Polars"),
];
/// Part of the list of mappings that is read: some ten thousand of them.
const MAPS: u64 = 1 << 20;
/// Sightings below which a number of threads may be those of a moment.
const FEWEST: u32 = 3;

/// All that was seen.
#[derive(Debug, Default)]
pub struct Tally(HashMap<i32, Counted>);

#[derive(Debug, Default)]
struct Counted {
    readings: u32,
    /// How often each number of threads was seen.
    threads: HashMap<u32, u32>,
    libraries: BTreeSet<&'static str>,
}

impl Tally {
    /// Adds a reading of a process that had so many threads, so many of them with a Python stack.
    pub fn add(&mut self, pid: i32, threads: usize, with_stack: usize) {
        let counted = self.0.entry(pid).or_default();
        counted.readings += 1;
        let others = u32::try_from(threads.saturating_sub(with_stack)).unwrap_or(u32::MAX);
        *counted.threads.entry(others).or_default() += 1;
        // Libraries come when they are imported: looked for with the first reading, and twice as seldom each time.
        if others > 0 && counted.readings.is_power_of_two() {
            let mut maps = Vec::new();
            let file = File::open(ProcPath::process(pid, "maps"));
            if file.and_then(|file| file.take(MAPS).read_to_end(&mut maps)).is_ok() {
                counted.libraries.extend(libraries(&String::from_utf8_lossy(&maps)));
            }
        }
    }

    /// What came of it: processes whose native threads are there to stay, and have a library that starts such.
    pub fn into_native_threads(self) -> Vec<NativeThreads> {
        let of = |(pid, counted): (i32, Counted)| {
            let (threads, seen) = counted.threads.into_iter().max_by_key(|(threads, seen)| (*seen, *threads))?;
            let there = threads > 0 && seen >= FEWEST && !counted.libraries.is_empty();
            let libraries = counted.libraries.into_iter().map(str::to_owned).collect();
            there.then_some(NativeThreads { pid, threads, libraries })
        };
        let mut all: Vec<NativeThreads> = self.0.into_iter().filter_map(of).collect();
        all.sort_by_key(|one| one.pid);
        all
    }
}

/// The libraries of the table among mappings.
fn libraries(maps: &str) -> BTreeSet<&'static str> {
    let files = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let names = files.filter_map(|path| Path::new(path).file_name()?.to_str());
    names
        .filter_map(|name| LIBRARIES.iter().find(|(start, _)| name.starts_with(start)))
        .map(|(_, name)| *name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_by_the_names_of_mapped_files() {
        let maps = "7f00-7f01 r-xp 0 08:01 5 /opt/x/numpy.libs/libscipy_openblas64_-99b71e71.so\n\
                    7f01-7f02 r--p 0 08:01 5 /usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0\n\
                    7f02-7f03 r--p 0 08:01 5 /usr/lib/libgompish/libc.so.6\n7f03-7f04 rw-p 0 00:00 0 [heap]\n";
        assert_eq!(libraries(maps), BTreeSet::from(["OpenBLAS", "OpenMP"]));
    }

    #[test]
    fn threads_that_stay_are_native_where_a_library_starts_such() {
        let counted = |threads: &[(u32, u32)], libraries: &[&'static str]| Counted {
            readings: 9,
            threads: threads.iter().copied().collect(),
            libraries: libraries.iter().copied().collect(),
        };
        for (threads, libraries, expected) in [
            (&[(3, 8), (0, 1)][..], &["OpenBLAS"][..], Some(3)),
            (&[(3, 2), (0, 7)], &["OpenBLAS"], None),
            (&[(3, 9)], &[], None),
            (&[(3, 2)], &["OpenBLAS"], None),
        ] {
            let tally = Tally(HashMap::from([(7, counted(threads, libraries))]));
            let all = tally.into_native_threads();
            assert_eq!(all.first().map(|one| one.threads), expected, "{threads:?} {libraries:?}");
        }
    }
}
