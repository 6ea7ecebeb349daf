//! Inputs are data: each reaches concadvise as the word that it is, and neither a shell nor the runner obeys it.

use super::runner::Job;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const HOSTILE: [&str; 7] = [
    "; touch pwned; #",
    "$(touch pwned)`touch pwned`",
    "\" && touch pwned && \"",
    "'; touch pwned; '",
    "${CONCADVISE_INPUT_PROGRAM} * ~ {a,b}",
    "::error::pwned ##[error]pwned",
    "--update --force",
];

/// What a program was started with: a line `[word]` for each word, and `NAME` for each of our variables it could see.
fn recorder(path: &Path) {
    const SCRIPT: &str = "#!/bin/sh\nfor word; do printf '[%s]\\n' \"$word\" >>\"$RUNNER_TEMP/words\"; done\n\
                          env | grep -o '^CONCADVISE_INPUT_[A-Z]*' >>\"$RUNNER_TEMP/variables\"\nexit 0\n";
    fs::write(path, SCRIPT).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its permissions");
}

/// The words that concadvise was started with.
fn words(job: Job) -> (Vec<String>, Job) {
    let program = job.beside().join("recorder");
    recorder(&program);
    let ran = job.input("binary", &program.to_string_lossy()).run();
    assert!(!ran.job.folder().join("pwned").exists() && !ran.job.beside().join("pwned").exists(), "{}", ran.log);
    for line in ran.log.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert_eq!(line, "::error title=concadvise gate::nothing could be judged; the log of this step says why");
    }
    assert!(!ran.log.contains("##["), "{}", ran.log);
    assert_eq!(fs::read_to_string(ran.job.beside().join("variables")).expect("it ran"), "", "the target's environment");
    let words = fs::read_to_string(ran.job.beside().join("words")).expect("it ran");
    let words = words.strip_prefix("[--version]\n").expect("the first step asks for the version");
    let own = |word: &&str| !word.starts_with("[--output=") && *word != "[gate]" && *word != "[--format=github]";
    (words.lines().filter(own).map(str::to_owned).collect(), ran.job)
}

#[test]
fn an_input_is_one_word_whatever_it_holds() {
    for hostile in HOSTILE {
        for (input, option) in [
            ("name", "--name="),
            ("baseline", "--baseline="),
            ("config", "--config="),
            ("policy", "--policy="),
            ("budget", "--budget="),
        ] {
            assert_eq!(words(Job::new().input(input, hostile)).0, [format!("[{option}{hostile}]")]);
        }
        // A report is no option, and a command stands behind the dashes.
        let report = if hostile.starts_with('-') { format!("[./{hostile}]") } else { format!("[{hostile}]") };
        assert_eq!(words(Job::new().input("reports", hostile)).0, [report]);
        let lines = format!("{hostile}\nb c\n");
        assert_eq!(words(Job::new().input("command", &lines)).0, ["[--]", &format!("[{hostile}]"), "[b c]"]);
        let divided: Vec<String> = hostile.split(' ').map(|word| format!("[{word}]")).collect();
        assert_eq!(words(Job::new().input("command", hostile)).0, [vec!["[--]".to_owned()], divided].concat());
        assert_eq!(words(Job::new().input("fail-on-inconclusive", hostile)).0, [""; 0]);
    }
    assert_eq!(words(Job::new().input("fail-on-inconclusive", "true")).0, ["[--fail-on-inconclusive]"]);
}

#[test]
fn a_hostile_program_or_folder_is_refused_and_not_obeyed() {
    for hostile in HOSTILE {
        for input in ["binary", "working-directory"] {
            let ran = super::super::job().input("reports", "app=downloads.toml").input(input, hostile).run();
            assert_eq!(ran.status, 2, "{}", ran.log);
            assert!(!ran.job.folder().join("pwned").exists(), "{}", ran.log);
            let ours = |line: &&str| !line.starts_with("::error title=concadvise gate::the input ");
            let lines = ran.log.lines().filter(|line| line.trim_start().starts_with("::"));
            assert_eq!(lines.filter(ours).count(), 0, "{}", ran.log);
            assert!(!ran.log.contains("##["), "{}", ran.log);
        }
    }
}

#[test]
fn what_is_nowhere_is_built_from_the_actions_own_source() {
    let job = Job::new();
    let bin = job.beside().join("cargo-only");
    fs::create_dir(&bin).expect("a folder");
    let recorder_path = job.beside().join("recorder");
    recorder(&recorder_path);
    // Stands for cargo: says what it was asked for, and puts a program where it was told to.
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\"\nmkdir -p \"$6/bin\"\ncp '{}' \"$6/bin/concadvise\"\n",
        recorder_path.display()
    );
    fs::write(bin.join("cargo"), script).expect("a file");
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).expect("its permissions");
    let ran = job.search(bin).run();
    let root = ran.job.beside().join("concadvise");
    let asked = format!("install --path {} --locked --root {}", env!("CARGO_MANIFEST_DIR"), root.display());
    assert!(ran.log.lines().any(|line| line == asked), "{asked} is missing in {}", ran.log);
    assert!(fs::read_to_string(ran.job.beside().join("words")).expect("it ran").contains("[gate]"));
}
