//! The target's own sources, read once it has ended: what cost the target nothing is done on nobody's time but ours.

use super::check::configuration::Configuration;
use crate::notice::Notice;
use crate::observe::Observation;
use crate::source::outline::Outline;
use crate::target::{PythonEntry, Runtime, Target};
use std::fs;
use std::path::{Path, PathBuf};

/// Of a program that was run or attached to; `None` where it has no source that could be read.
pub fn of(target: &Target, observation: &Observation) -> Read {
    let (Runtime::CPython(python), Some(folder)) = (&target.runtime, folder(observation)) else {
        return Read::default();
    };
    read(&python.entry, &folder)
}

/// Of a function that was named, `FILE.py:function` or `package.module:function`.
pub fn of_function(named: &str) -> Read {
    let (Ok(folder), Some((home, _))) = (std::env::current_dir(), named.rsplit_once(':')) else {
        return Read::default();
    };
    let script = Path::new(home).extension().is_some_and(|extension| extension == "py");
    read(&if script { PythonEntry::File(home.into()) } else { PythonEntry::Module(home.to_owned()) }, &folder)
}

/// What was read of a program's source.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// `None` where there is none that could be read.
    pub outline: Option<Outline>,
    /// What stood in the way.
    pub notice: Option<Notice>,
}

/// A program's source, by what its project says of findings. A run is never refused for what stands there.
fn read(entry: &PythonEntry, folder: &Path) -> Read {
    let begins = match entry {
        PythonEntry::File(path) => folder.join(path),
        PythonEntry::Module(_) => folder.to_owned(),
        PythonEntry::Code | PythonEntry::Stdin | PythonEntry::Unknown => return Read::default(),
    };
    let (wanted, notice) = match Configuration::nearest(&[begins]) {
        Ok(wanted) => (wanted, None),
        Err(why) => (Configuration::none(), Some(unconfigured(&why))),
    };
    let outline = match entry {
        PythonEntry::File(path) => Outline::of_script(path, folder, &wanted),
        PythonEntry::Module(name) => Outline::of_module(name, folder, &wanted),
        _ => return Read::default(),
    };
    // Where no file was read there are no findings that it could have been about.
    if outline.files > 0 { Read { outline: Some(outline), notice } } else { Read::default() }
}

fn unconfigured(why: &str) -> Notice {
    Notice::Unavailable {
        what: "what the project wants to be told",
        why: why.to_owned(),
        remedy: "the findings are those that are on by themselves".to_owned(),
    }
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
    use crate::source::outline::ByDefault;
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

    const APP: &str = "\
import time
from concurrent.futures import ThreadPoolExecutor
async def handle():
    time.sleep(1)
def main():
    return ThreadPoolExecutor(max_workers=8)
";

    /// What is told of [`APP`] beside a configuration: codes of its source, and what is silent at its executor.
    fn told(configuration: &str, app: &str) -> std::io::Result<(Vec<String>, Vec<String>, Option<Notice>)> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("pyproject.toml"), configuration)?;
        fs::write(folder.path().join("app.py"), app)?;
        let Read { outline, notice } = read(&PythonEntry::File("app.py".into()), folder.path());
        let outline = outline.expect("it has source");
        let codes = outline.findings.into_iter().map(|finding| finding.code).collect();
        Ok((codes, outline.executors.into_iter().flat_map(|executor| executor.silent).collect(), notice))
    }

    #[test]
    fn a_project_is_told_in_the_main_job_what_it_is_told_by_check() -> std::io::Result<()> {
        let run = ["CON601", "CON602", "CON603", "CON901", "CON902"];
        let (all, pool) = (["CON101", "CON401"], ["CON401"]);
        for (keys, codes, silent) in [
            ("", &all[..], &[][..]),
            ("select = ['CON1']", &["CON101"], &run),
            ("select = ['CON101', 'CON60']", &["CON101"], &run[3..]),
            ("ignore = ['CON101', 'CON602']", &pool, &["CON602"]),
            ("per-file-ignores = { 'app.py' = ['CON1', 'CON9'] }", &pool, &run[3..]),
            ("per-file-ignores = { 'other.py' = ['ALL'] }", &all, &[]),
            ("exclude = ['app.py']", &all, &[]),
        ] {
            let told = told(&format!("[tool.concadvise.check]\n{keys}\n"), APP)?;
            let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(told, (words(codes), words(silent), None), "{keys}");
        }
        Ok(())
    }

    #[test]
    fn a_comment_silences_what_only_a_run_shows_too() -> std::io::Result<()> {
        for (comment, silent) in [
            ("# noqa: CON601, CON401", &["CON601"][..]),
            ("# noqa: CON60", &["CON601", "CON602", "CON603"]),
            ("# noqa", &["CON601", "CON602", "CON603", "CON901", "CON902"]),
            ("# noqa: E501", &[]),
        ] {
            let app = APP.replace("max_workers=8)", &format!("max_workers=8)  {comment}"));
            assert_eq!(told("", &app)?.1, silent, "{comment}");
        }
        Ok(())
    }

    #[test]
    fn a_configuration_that_is_wrong_is_told_and_hides_no_finding() -> std::io::Result<()> {
        let (codes, _, notice) = told("[tool.concadvise.check]\nselct = []\n", APP)?;
        assert_eq!(codes.first().map(String::as_str), Some("CON101"));
        let sentence = notice.map(|notice| notice.to_string()).unwrap_or_default();
        for part in ["pyproject.toml:2: unknown key `selct`", "on by themselves"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        Ok(())
    }

    /// Codes with the run as their evidence, of a program of that text and a run of that drawing.
    fn codes_found(text: &str, drawing: &str, class: Class, native: bool) -> std::io::Result<Vec<String>> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("app.py"), text)?;
        let outline = Outline::of_script(Path::new("app.py"), folder.path(), &ByDefault);
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
