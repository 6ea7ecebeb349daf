//! What is said of a bad rule file: file, line, field, and the name that was meant.

use super::Rules;
use super::error::Error;
use std::path::{Path, PathBuf};

/// Line 1 is `class`; line 3 begins the rule; line 5 is its condition.
const GOOD: &str = r#"class = "cpu-bound"

[[rule]]
id = "one"
when = [{ fact = "wait_share", op = ">=", value = 0.6 }]
admit = ["threads"]
workers = "cpus"
reason = "Because."
source = "here"

[[rule]]
id = "last"
admit = ["sequential"]
workers = "one"
reason = "Because."
source = "here"
"#;

fn load(name: &str, text: &str) -> Result<Rules, Error> {
    Rules::of(vec![(PathBuf::from(name), text.to_owned())])
}

/// The good file with one thing wrong.
fn check(wrong: (&str, &str), expect: &str) {
    let text = GOOD.replacen(wrong.0, wrong.1, 1);
    assert_ne!(text, GOOD, "{wrong:?} changes nothing");
    let error = load("mine/cpu_bound.toml", &text).expect_err(expect);
    assert_eq!(error.to_string(), format!("mine/cpu_bound.toml:{expect}"));
}

#[test]
fn the_file_that_these_cases_spoil_is_good() {
    load("mine/cpu_bound.toml", GOOD).expect("a good file");
}

#[test]
fn a_misspelt_name_is_answered_with_the_one_that_was_meant() {
    for (wrong, expect) in [
        (("wait_share", "wait_shrae"), "5: unknown fact `wait_shrae`; did you mean `wait_share`?"),
        (("cpu-bound", "cpubound"), "1: unknown class `cpubound` in `class`; did you mean `cpu-bound`?"),
        (("\"threads\"", "\"thread\""), "6: unknown model `thread` in `admit`; did you mean `threads`?"),
        (("\"cpus\"", "\"cpu\""), "7: unknown worker policy `cpu` in `workers`; did you mean `cpus`?"),
        (("reason", "resaon"), "8: unknown field `resaon` in [[rule]]; did you mean `reason`?"),
        (("fact =", "fac ="), "5: unknown field `fac` in a comparison; did you mean `fact`?"),
        (("class", "klass"), "1: unknown field `klass` in a rule file; did you mean `class`?"),
        ((">=", "=>"), "5: unknown operator `=>` in `op`; it must be one of `<`, `<=`, `>`, `>=`, `==`, `!=`, `in`"),
        (("Because.", "{wait_shrae}."), "8: unknown fact `wait_shrae`; did you mean `wait_share`?"),
        (
            ("\"wait_share\", op = \">=\", value = 0.6", "\"runtime\", op = \"==\", value = \"cpyton\""),
            "5: `runtime` is never `cpyton`; did you mean `cpython`?",
        ),
    ] {
        check(wrong, expect);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_answered_with_the_right_one() {
    for (wrong, expect) in [
        (("0.6", "\"0.6\""), "5: `value` of `wait_share` must be a number from 0 to 1, not a string"),
        (("0.6", "60"), "5: `value` of `wait_share` must be a number from 0 to 1, not `60`"),
        (("0.6", "nan"), "5: `value` of `wait_share` must be a number from 0 to 1, not `nan`"),
        (("0.6", "inf"), "5: `value` of `wait_share` must be a number from 0 to 1, not `inf`"),
        (
            ("\"wait_share\", op = \">=\", value = 0.6", "\"work_s\", op = \"<\", value = inf"),
            "5: `value` of `work_s` must be a number of seconds that is finite and not negative, not `inf`",
        ),
        (
            ("\"wait_share\", op = \">=\", value = 0.6", "\"python_version\", op = \"<\", value = 3.14"),
            "5: `value` of `python_version` must be a version such as \"3.14\", not `3.14`",
        ),
        (
            ("\"wait_share\", op = \">=\"", "\"runtime\", op = \"<\""),
            "5: `op` `<` does not apply to `runtime`; use `==` or `!=` or `in`",
        ),
        (
            ("\"wait_share\", op = \">=\"", "\"picklable\", op = \">=\""),
            "5: `op` `>=` does not apply to `picklable`; use `==` or `!=`",
        ),
        (("\"one\"", "1"), "4: `id` must be a string, not an integer"),
        (("[\"threads\"]", "\"threads\""), "6: `admit` must be an array of strings, not a string"),
        (("\"threads\"", "3"), "6: `admit` must be an array of strings, not an integer in it"),
    ] {
        check(wrong, expect);
    }
}

#[test]
fn what_a_rule_must_have_is_asked_for() {
    for (wrong, expect) in [
        (("admit = [\"threads\"]\n", ""), "3: `admit` must name at least one model"),
        (("[\"threads\"]", "[]"), "6: `admit` must name at least one model"),
        (("\"threads\"", "\"threads\", \"threads\""), "6: `admit` names `threads` twice"),
        (("workers = \"cpus\"\n", ""), "3: `workers` is missing in [[rule]]"),
        (("source = \"here\"\n", ""), "3: `source` is missing in [[rule]]"),
        (("Because.", " "), "8: `reason` is empty; say why, in a sentence"),
        (("Because.", "Because {wait_share."), "8: `reason` has a `{` that no `}` closes"),
        (("\"one\"", "\"One!\""), "4: `id` `One!` must be 1 to 64 small letters, digits and hyphens"),
        (("\"last\"", "\"one\""), "12: duplicate id `one` in this file"),
        (("\"one\"", "\"io-disk\""), "3: duplicate id `io-disk`: a rule for io-bound work has it already"),
        (("op = \">=\", ", ""), "5: `op` is missing in a comparison"),
        (
            ("{ fact = \"wait_share\", op = \">=\", value = 0.6 }", ""),
            "5: `when` is empty; leave it out of the last rule, fill it elsewhere",
        ),
        (
            ("when = [{ fact = \"wait_share\", op = \">=\", value = 0.6 }]\n", ""),
            "3: rule `one` has no `when`, so no rule after it could be reached; only the last may have none",
        ),
        (
            ("id = \"last\"", "id = \"last\"\nwhen = [{ fact = \"smt\", op = \"==\", value = true }]"),
            "11: the last rule, `last`, must have no `when`, so that one rule always holds",
        ),
        (
            ("id = \"one\"", "id = \"one\"\nbefore = \"last\""),
            "3: `before` is for files that change a class; in a file that replaces one, the order is the order",
        ),
        (("cpu-bound", "mixed"), "1: this file's name stands for class `cpu-bound`, not `mixed`"),
        (("class = \"cpu-bound\"", "# nothing"), "1: `class` is missing in a rule file"),
    ] {
        check(wrong, expect);
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_at_the_line_where_it_stops_to_be() {
    let error = load("cpu_bound.toml", "class = \"cpu-bound\"\n[[rule]\n").expect_err("not TOML").to_string();
    assert!(error.starts_with("cpu_bound.toml:2: not TOML: "), "{error}");
    let error = load("cpu_bound.toml", "class = \"cpu-bound\"\nrule = 3\n").expect_err("no tables").to_string();
    assert_eq!(error, "cpu_bound.toml:2: `rule` must be written as [[rule]] tables");
    let deep = format!("class = {}", "[".repeat(100_000));
    let error = load("cpu_bound.toml", &deep).expect_err("too deep").to_string();
    assert!(error.starts_with("cpu_bound.toml:1: not TOML: "), "{error}");
}

#[test]
fn what_a_terminal_would_obey_is_escaped_and_cut() {
    let text = format!("class = \"\\u001b[2J{}\"", "x".repeat(10_000));
    let error = load("cpu_bound.toml", &text).expect_err("no such class").to_string();
    assert!(error.contains("`\\u{1b}[2J") && error.len() < 300, "{error}");
}

#[test]
fn a_change_says_where_it_belongs() {
    let rule = "id = \"ours\"\nwhen = [{ fact = \"smt\", op = \"==\", value = true }]\nadmit = [\"threads\"]\n\
                workers = \"cpus\"\nreason = \"Because.\"\nsource = \"here\"\n";
    let text = format!("class = \"cpu-bound\"\n[[rule]]\n{rule}");
    for (wrong, expect) in [
        (("", ""), "2: rule `ours` is new, so it must say with `before = \"rule-id\"` which rule it is tried before"),
        (
            ("workers", "before = \"cpu-pyhton\"\nworkers"),
            "2: unknown rule `cpu-pyhton` in `before`; did you mean `cpu-python`?",
        ),
        (
            ("ours\"", "cpu-numa\"\nbefore = \"cpu-python\""),
            "2: rule `cpu-numa` takes the place of the rule of that id; remove its `before`",
        ),
        (
            ("ours", "cpu-python"),
            "2: rule `cpu-python` is the last of its class and must have no `when`, so that one rule always holds",
        ),
        (("ours", "io-disk"), "2: duplicate id `io-disk`: a rule for io-bound work has it already"),
        (
            ("when = [{ fact = \"smt\", op = \"==\", value = true }]", "before = \"cpu-python\""),
            "2: rule `ours` has no `when`, so no rule after it could be reached; only the last may have none",
        ),
    ] {
        let error = load("dir/ours.toml", &text.replacen(wrong.0, wrong.1, 1)).expect_err(expect);
        assert_eq!(error.to_string(), format!("dir/ours.toml:{expect}"));
    }
}

#[test]
fn a_folder_that_cannot_be_used_says_why() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let check = |expect: &str| {
        let error = Rules::load(dir.path()).expect_err(expect).to_string();
        assert_eq!(error, expect.replace("DIR", &dir.path().display().to_string()));
    };
    check("no rule file in DIR: a rule file's name ends in .toml");
    let file = dir.path().join("cpu_bound.toml");
    std::fs::write(&file, vec![b'#'; (1 << 20) + 1]).expect("a large file");
    check("DIR/cpu_bound.toml:1: a rule file must not be larger than 1 MiB; split it into several");
    std::fs::write(&file, b"# good\n# \xff\n").expect("a binary file");
    check("DIR/cpu_bound.toml:2: a rule file must be UTF-8 text");
    std::fs::remove_file(&file).expect("our own file");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    check(
        "cannot read rules from DIR/cpu_bound.toml: it is not a regular file; \
         give --rules a folder of .toml rule files",
    );
    let missing = Rules::load(Path::new("/nowhere/at/all")).expect_err("no such folder").to_string();
    assert!(missing.starts_with("cannot read rules from /nowhere/at/all: No such file"), "{missing}");
}
