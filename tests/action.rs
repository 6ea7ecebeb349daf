//! What a CI system is promised: the Action's steps, pre-commit's hooks and GitLab's jobs are run here as those would run
//! them, with the built program. What an input holds is data, whatever it holds.

mod action {
    pub mod inputs;
    pub mod runner;
}
#[path = "support/sarif.rs"]
mod validate;

use action::runner::{Job, program, yaml};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The report that a sample's recording leads to.
fn sample(name: &str) -> String {
    fs::read_to_string(root().join("samples").join(name).join("expected.toml")).expect("a sample")
}

/// A job in a checkout with a baseline of one sample, and reports of several.
fn job() -> Job {
    let job = Job::new();
    for name in ["downloads", "primes", "too-short"] {
        job.file(&format!("{name}.toml"), &sample(name));
    }
    let made = Command::new(program())
        .args(["gate", "--update", "app=downloads.toml"])
        .current_dir(job.folder())
        .env_remove("CI")
        .output()
        .expect("concadvise starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    job.input("binary", &program().to_string_lossy())
}

#[test]
fn the_action_is_what_a_runner_takes() {
    let action = yaml("action.yml");
    let known: Vec<&String> = action["inputs"].as_object().expect("inputs").keys().collect();
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let mut ids = Vec::new();
    for step in steps {
        let run = step["run"].as_str().expect("every step is a script of ours");
        assert!(!run.contains("${{") && run.lines().count() == 1, "an input must not be part of a script: {run}");
        assert_eq!(step["shell"], "bash", "{step}");
        let script =
            run.split('"').nth(1).and_then(|path| path.strip_prefix("$GITHUB_ACTION_PATH/")).expect("a script");
        assert!(root().join(script).is_file(), "{script}");
        for (variable, value) in step["env"].as_object().expect("variables") {
            let value = value.as_str().expect("a text");
            let name = value.strip_prefix("${{ ").and_then(|value| value.strip_suffix(" }}")).expect("one expression");
            let input = name.strip_prefix("inputs.").is_some_and(|name| known.iter().any(|known| *known == name));
            let output = name.strip_prefix("steps.").is_some_and(|rest| ids.contains(&rest.split('.').next()));
            assert!(input || output, "{variable} is of an input or a step that is not there: {value}");
        }
        ids.push(step["id"].as_str());
    }
    for table in ["inputs", "outputs"] {
        for (name, one) in action[table].as_object().expect("a table") {
            assert!(one["description"].as_str().is_some_and(|text| text.len() > 10), "{name}");
            let value = one["value"].as_str().unwrap_or("${{ steps.gate.");
            assert!(value.starts_with("${{ steps.gate."), "{name}: {value}");
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    assert!(known.iter().all(|name| readme.contains(&format!("`{name}`"))), "the README names every input");
}

#[test]
fn a_verdict_is_a_status_an_output_an_annotation_and_a_page() {
    for (reports, asked, status, verdict, annotated) in [
        ("app=downloads.toml", "false", 0, "unchanged", None),
        ("app=primes.toml", "false", 1, "changed", Some("::error title=app%3A changed::")),
        ("\napp=primes.toml\r\n\napp=primes.toml\n", "false", 1, "changed", Some("::error ")),
        (
            "app=downloads.toml\napp=primes.toml",
            "false",
            0,
            "inconclusive",
            Some("::warning title=app%3A inconclusive"),
        ),
        ("app=downloads.toml\napp=primes.toml", "true", 3, "inconclusive", Some("::warning ")),
    ] {
        let ran = job().input("reports", reports).input("fail-on-inconclusive", asked).run();
        assert_eq!(ran.status, status, "{reports}: {}", ran.log);
        assert_eq!((ran.output("verdict"), ran.output("status")), (verdict.into(), status.to_string()), "{}", ran.log);
        assert!(ran.log.contains(&format!("app: {verdict}")), "the log has the page: {}", ran.log);
        assert!(ran.summary.contains(&format!("| app | **{verdict}** |")), "{}", ran.summary);
        assert_eq!(ran.log.lines().any(|line| line.starts_with("::")), annotated.is_some(), "{}", ran.log);
        assert!(annotated.is_none_or(|words| ran.log.lines().any(|line| line.starts_with(words))), "{}", ran.log);
        let read = |output: &str| fs::read_to_string(ran.output(output)).expect("it was written");
        let sarif: Value = serde_json::from_str(&read("sarif")).expect("JSON");
        validate::check(&validate::validator(), &sarif, reports);
        let results = sarif["runs"][0]["results"].as_array().expect("results").len();
        assert_eq!(results, usize::from(verdict != "unchanged"), "{sarif:#}");
        assert!(read("junit").contains("<testcase") && ran.summary.ends_with(&read("markdown")));
    }
}

#[test]
fn what_cannot_be_judged_fails_and_says_so_everywhere() {
    for (input, value, says) in [
        ("baseline", "missing.toml", "there is no baseline missing.toml"),
        ("reports", "missing.toml", "cannot use the report missing.toml"),
        ("config", "missing.toml", "cannot read the configuration missing.toml"),
        ("policy", "maybe", "fail, warn, off"),
        ("budget", "soon", "soon"),
        ("working-directory", "missing", "working-directory names no folder"),
    ] {
        let ran = job().input("reports", "app=downloads.toml").input(input, value).run();
        assert_eq!(ran.status, 2, "{input}: {}", ran.log);
        assert_eq!(
            (ran.output("verdict"), ran.output("status"), ran.output("sarif")),
            ("".into(), "2".into(), "".into())
        );
        assert!(ran.log.contains(says), "{says} is missing in {}", ran.log);
        assert!(ran.log.contains("::error title=concadvise gate::") && ran.summary.contains("nothing could be judged"));
    }
    let ran = job().input("binary", "missing").run();
    assert!(ran.status == 2 && ran.log.contains("names no program"), "{}", ran.log);
}

#[test]
fn a_folder_of_its_own_and_a_program_on_the_path_will_do() {
    let job = job();
    fs::create_dir(job.folder().join("sub")).expect("a folder");
    let ran = job
        .input("binary", "")
        .with_program_on_the_path()
        .input("working-directory", "sub")
        .input("baseline", "../concadvise.baseline.toml")
        .input("reports", "app=../downloads.toml")
        .run();
    assert_eq!((ran.status, ran.output("verdict")), (0, "unchanged".into()), "{}", ran.log);
}

#[test]
fn each_hook_is_run_as_pre_commit_does() {
    let clean = tempfile::tempdir().expect("a folder");
    fs::write(clean.path().join("app.py"), "x = 1\n").expect("a file");
    let blocking = root().join("samples/blocking-in-async");
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().expect("hooks");
    assert!(hooks.iter().any(|hook| hook["language"] == "rust"), "one builds itself");
    for hook in hooks {
        assert!(["rust", "system"].contains(&hook["language"].as_str().expect("a language")), "{hook}");
        assert!(hook["types_or"].as_array().is_some_and(|types| types.contains(&"python".into())), "{hook}");
        for (folder, file, status, says) in
            [(blocking.as_path(), "target.py", 1, "CON101"), (clean.path(), "app.py", 0, "no findings")]
        {
            // It splits the entry as a shell would, and puts the hook's arguments and the files behind it.
            let mut words: Vec<&str> = hook["entry"].as_str().expect("an entry").split_whitespace().collect();
            assert_eq!(words.remove(0), "concadvise");
            let args = hook["args"].as_array().cloned().unwrap_or_default();
            let args = args.iter().map(|word| word.as_str().expect("a word"));
            let command = Command::new(program()).args(words).args(args).arg(file).current_dir(folder).output();
            let ran = command.expect("it starts");
            let page = String::from_utf8_lossy(&ran.stdout);
            assert_eq!(ran.status.code(), Some(status), "{hook}: {page}");
            assert!(page.contains(says), "{page}");
        }
    }
}

#[test]
fn gitlab_gets_the_artifacts_that_its_jobs_name() {
    let jobs = yaml("ci/gitlab.yml");
    for (name, status, kind, says) in
        [("concadvise-check", 1, "codequality", "\"CON101\""), ("concadvise-gate", 3, "junit", "<skipped")]
    {
        let job = job().with_program_on_the_path();
        job.file("app.py", "import time\nasync def f():\n    time.sleep(1)\n");
        // What its run shows is not what this is about: it is no Python program, so it cannot be compared.
        job.file(
            "concadvise.config.toml",
            "[[target]]\nname = \"app\"\ncommand = [\"true\"]\noptions = [\"--no-trials\"]\n",
        );
        let of_job = &jobs[name];
        for line in of_job["script"].as_array().expect("a script") {
            let ran = job.shell(line.as_str().expect("a line"));
            assert_eq!(ran.status.code(), Some(status), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        }
        let allowed = of_job["allow_failure"]["exit_codes"].as_array().is_some_and(|codes| codes.contains(&3.into()));
        assert_eq!(allowed, status == 3, "{name}");
        let artifact = of_job["artifacts"]["reports"][kind].as_str().expect("an artifact");
        let text = fs::read_to_string(Path::new(job.folder()).join(artifact)).expect("it was written");
        assert!(text.contains(says), "{text}");
    }
}
