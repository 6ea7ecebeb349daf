//! A job of GitHub's runner, as far as an action of scripts sees it: expressions in `env` become values, each `run` is a
//! file for bash, and what the step writes into the runner's files is read back.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The built program.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_concadvise"))
}

/// A file of this repository as YAML 1.2 says it reads.
pub fn yaml(path: &str) -> Value {
    use saphyr::{LoadableYamlNode, Yaml};
    fn plain(yaml: &Yaml<'_>) -> Value {
        if let Some(list) = yaml.as_sequence() {
            return list.iter().map(plain).collect();
        }
        if let Some(table) = yaml.as_mapping() {
            let pairs = table.iter().map(|(key, value)| (key.as_str().expect("a text").to_owned(), plain(value)));
            return Value::Object(pairs.collect::<Map<_, _>>());
        }
        let word = yaml.as_str().map(Value::from);
        word.or(yaml.as_integer().map(Value::from)).or(yaml.as_bool().map(Value::from)).expect("a scalar")
    }
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path);
    let documents = Yaml::load_from_str(&text).expect("YAML");
    plain(&documents[0])
}

/// A job before its steps.
pub struct Job {
    folder: TempDir,
    /// For what the runner keeps beside the checkout.
    beside: TempDir,
    inputs: BTreeMap<String, String>,
    /// Folders that are searched for programs before the others.
    path: Vec<PathBuf>,
}

/// What came of it.
pub struct Ran {
    pub status: i32,
    /// Standard output and standard error of all steps, as the runner reads them.
    pub log: String,
    pub summary: String,
    outputs: BTreeMap<String, String>,
    /// Keeps the files that outputs name.
    pub job: Job,
}

impl Ran {
    /// The action's output of that name; empty where it has none.
    pub fn output(&self, name: &str) -> String {
        self.outputs.get(name).cloned().unwrap_or_default()
    }
}

impl Job {
    pub fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder");
        Self { folder: folder(), beside: folder(), inputs: BTreeMap::new(), path: Vec::new() }
    }

    /// Where the checkout is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the runner keeps what is not of the checkout.
    pub fn beside(&self) -> &Path {
        self.beside.path()
    }

    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).expect("a file");
    }

    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Programs in that folder are found first.
    pub fn search(mut self, folder: PathBuf) -> Self {
        self.path.insert(0, folder);
        self
    }

    pub fn with_program_on_the_path(self) -> Self {
        self.search(program().parent().expect("a folder").to_owned())
    }

    fn searched(&self) -> std::ffi::OsString {
        let usual = std::env::var_os("PATH").unwrap_or_default();
        // A concadvise that somebody installed here is not what these tests are about.
        let others = std::env::split_paths(&usual).filter(|folder| !folder.join("concadvise").exists());
        let all = self.path.iter().cloned().chain(others);
        std::env::join_paths(all).expect("folders without a colon")
    }

    /// A line of a script of GitLab's.
    pub fn shell(&self, line: &str) -> Output {
        let mut bash = Command::new("bash");
        bash.args(["-eo", "pipefail", "-c", line]).current_dir(self.folder()).env("CI", "true");
        bash.env("PATH", self.searched()).env_remove("GITHUB_ACTIONS").output().expect("bash starts")
    }

    /// The action's steps, up to the first that fails.
    pub fn run(self) -> Ran {
        let action = yaml("action.yml");
        let mut known = BTreeMap::new();
        for (name, input) in action["inputs"].as_object().expect("inputs") {
            let value = self.inputs.get(name).map_or_else(|| input["default"].as_str().unwrap_or(""), String::as_str);
            known.insert(format!("inputs.{name}"), value.to_owned());
        }
        assert!(self.inputs.keys().all(|name| known.contains_key(&format!("inputs.{name}"))), "{:?}", self.inputs);
        let [script, output, summary] = ["step.sh", "output", "summary"].map(|name| self.beside().join(name));
        fs::write(&summary, "").expect("a file");
        let (mut status, mut log) = (0, String::new());
        for step in action["runs"]["steps"].as_array().expect("steps") {
            fs::write(&script, step["run"].as_str().expect("a script")).expect("a file");
            fs::write(&output, "").expect("a file");
            let mut bash = Command::new("bash");
            bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&script).current_dir(self.folder());
            bash.env("GITHUB_ACTIONS", "true").env("CI", "true").env("PATH", self.searched());
            bash.env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR")).env("RUNNER_TEMP", self.beside());
            bash.env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
            for (name, value) in step["env"].as_object().expect("variables") {
                bash.env(name, evaluated(value.as_str().expect("a text"), &known));
            }
            let ran = bash.output().expect("bash starts");
            log += &String::from_utf8_lossy(&ran.stdout);
            log += &String::from_utf8_lossy(&ran.stderr);
            let id = step["id"].as_str().expect("a name");
            for line in fs::read_to_string(&output).expect("outputs").lines() {
                let (name, value) = line.split_once('=').expect("NAME=VALUE");
                known.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
            status = ran.status.code().expect("a status");
            if status != 0 {
                break;
            }
        }
        let outputs = action["outputs"].as_object().expect("outputs").iter();
        let outputs =
            outputs.map(|(name, one)| (name.clone(), evaluated(one["value"].as_str().expect("a text"), &known)));
        let (outputs, summary) = (outputs.collect(), fs::read_to_string(summary).expect("the summary"));
        Ran { status, log, summary, outputs, job: self }
    }
}

/// An expression's value; what is not known is empty, as it is for the runner.
fn evaluated(text: &str, known: &BTreeMap<String, String>) -> String {
    let name = text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")).expect("one expression");
    known.get(name).cloned().unwrap_or_default()
}
