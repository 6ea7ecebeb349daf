//! The target's own sources, read once it has ended: what cost the target nothing is done on nobody's time but ours.

use crate::observe::Observation;
use crate::source::outline::Outline;
use crate::target::{PythonEntry, Runtime, Target};
use std::fs;
use std::path::{Path, PathBuf};

/// Of a program that was run or attached to; `None` where it has no source that could be read.
pub fn of(target: &Target, observation: &Observation) -> Option<Outline> {
    let Runtime::CPython(python) = &target.runtime else { return None };
    let folder = folder(observation)?;
    let outline = match &python.entry {
        PythonEntry::File(path) => Outline::of_script(path, &folder),
        PythonEntry::Module(name) => Outline::of_module(name, &folder),
        PythonEntry::Code | PythonEntry::Stdin | PythonEntry::Unknown => return None,
    };
    (outline.files > 0).then_some(outline)
}

/// Of a function that was named, `FILE.py:function` or `package.module:function`.
pub fn of_function(named: &str) -> Option<Outline> {
    let folder = std::env::current_dir().ok()?;
    let (home, _) = named.rsplit_once(':')?;
    let script = Path::new(home).extension().is_some_and(|extension| extension == "py");
    let outline = if script { Outline::of_script(Path::new(home), &folder) } else { Outline::of_module(home, &folder) };
    (outline.files > 0).then_some(outline)
}

/// Where names of files begin: our folder, which a target of ours had too; that of a stranger while it lives.
fn folder(observation: &Observation) -> Option<PathBuf> {
    match observation.attached {
        None => std::env::current_dir().ok(),
        Some(pid) => fs::read_link(format!("/proc/{pid}/cwd")).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Class, classify};
    use crate::host::{Cpus, Host};
    use crate::observe::NativeThreads;
    use crate::profile::Profile;
    use crate::profile::drawing::draw;
    use crate::recommendation::findings::codes_of_runs;
    use crate::recommendation::{Alternative, Recommendation, Seen};
    use crate::source::catalogue::Catalogue;
    use crate::source::finding::Evidence;
    use crate::target::CPython;
    use crate::trial::Evidence as Tried;
    use crate::trial::model::{Model, Setting};
    use crate::units::Share;

    /// A run that shows each code, tiny: a drawing, and its class.
    const RUNS: [(&str, &str, Class); 5] = [
        ("CON601", "python3/main: ##(l)x98\npython3/a: ..(#g)x49\npython3/b: ..(g#)x49", Class::CpuBound),
        ("CON602", "python3/main: ###(p)x97\none/main: ...(t)x97\ntwo/main: ...(t)x97", Class::IoBound),
        (
            "CON603",
            "p/main: #(l)x40\np/a: .(tlll)x10\np/b: .(ltll)x10\np/c: .(lltl)x10\np/d: .(lllt)x10",
            Class::IoBound,
        ),
        ("CON901", "python3/main: #(p)x99\none/main: .(#)x99\ntwo/main: .(#)x99", Class::Mixed),
        ("CON902", "python3/main: #(p)x99\none/main: .(#)x99\ntwo/main: .(#)x99", Class::CpuBound),
    ];

    #[test]
    fn each_code_that_only_a_run_shows_fires_on_its_example_and_not_on_what_to_use_instead() -> std::io::Result<()> {
        let entries = || Catalogue::get().entries.iter().filter(|entry| entry.evidence == Evidence::Run);
        let codes: Vec<&str> = entries().map(|entry| entry.code.as_str()).collect();
        let mut judged: Vec<&str> = codes_of_runs().collect();
        judged.sort_unstable();
        assert_eq!(codes, judged, "each has its judge");
        assert_eq!(codes, RUNS.map(|(code, ..)| code));
        for (entry, (code, drawing, class)) in entries().zip(RUNS) {
            let found = |text| codes_found(text, drawing, class, code == "CON901");
            assert_eq!(found(&entry.example)?, [code]);
            assert!(found(&entry.use_instead)?.is_empty(), "instead of {code}");
        }
        Ok(())
    }

    /// Codes with the run as their evidence, of a program of that text and a run of that drawing.
    fn codes_found(text: &str, drawing: &str, class: Class, native: bool) -> std::io::Result<Vec<String>> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("app.py"), text)?;
        let outline = Outline::of_script(Path::new("app.py"), folder.path());
        let cpus = Cpus { online: 4, affinity: 4, numa_nodes: 1, ..Cpus::default() };
        let host = Host { cpus, ..Host::default() };
        let mut observation = draw(drawing);
        let mut profile = Profile::of(&observation, &host);
        profile.gil_share = Some(Share::ONE);
        if native {
            let pid = observation.workers.last().map_or(0, |worker| worker.pid);
            observation.native_threads = vec![NativeThreads { pid, threads: 3, libraries: vec!["OpenMP".into()] }];
        }
        let runtime = Runtime::CPython(CPython::new("/usr/bin/python3".into(), PythonEntry::Code));
        let target = Target { argv: Vec::new(), program: None, runtime };
        let classification = crate::classify::Classification { class, ..classify(&profile, &target.runtime, &host) };
        // Trials in which processes do badly, as far as nothing else is wrong with them.
        let processes = Setting { model: Model::Processes, ..Setting::SEQUENTIAL };
        let answer = Recommendation {
            evidence: Some(Tried::Twin),
            confidence: Share::ONE,
            alternatives: vec![Alternative { setting: processes, regret: if native { 0.0 } else { 0.5 } }],
            ..Recommendation::default()
        };
        let (classification, profile) = (&classification, &profile);
        let seen =
            Seen { host: &host, target: &target, observation: &observation, profile, classification, rerun: None };
        let findings = answer.of_findings(Some(&outline), seen).findings;
        let of_run = findings.into_iter().filter(|finding| finding.evidence == Evidence::Run);
        Ok(of_run.map(|finding| finding.code).collect())
    }
}
