//! `[tool.concadvise.check]`: taken from where it should be, refused with its place, and beaten by what is typed.

use super::{BLOCKED, SIZED, page, project};

fn codes(configuration: &str, line: &str) -> Vec<String> {
    let files =
        [("pyproject.toml", configuration), ("app.py", BLOCKED), ("tests/test_app.py", BLOCKED), ("pool.py", SIZED)];
    let ran = project(&files).type_in(line).says_nothing();
    let places = page(&ran);
    let headers = places.lines().filter(|line| line.contains(": warning CON") || line.contains(": info CON"));
    let short = |line: &str| {
        let mut words = line.split_whitespace();
        let file = words.next().and_then(|place| place.split(':').next()).unwrap_or_default().to_owned();
        format!("{file} {}", words.nth(1).unwrap_or_default())
    };
    headers.map(short).collect()
}

#[test]
fn a_project_chooses_codes_and_files_and_what_is_typed_wins() {
    let table = "[tool.concadvise.check]\n";
    let all = ["app.py CON101", "pool.py CON401", "tests/test_app.py CON101"];
    let blocked = [all[0], all[2]];
    for (configuration, line, expected) in [
        ("", "check", &all[..]),
        ("select = ['CON4']", "check", &all[1..2]),
        ("ignore = ['CON101']", "check", &all[1..2]),
        ("ignore = ['CON101']", "check --select CON1", &blocked),
        ("select = ['CON1']", "check --ignore CON101", &[]),
        ("exclude = ['tests/']", "check", &all[..2]),
        ("exclude = ['tests/']", "check tests/test_app.py", &all[2..]),
        ("exclude = ['tests/']", "check tests", &all[2..]),
        ("per-file-ignores = { 'tests/*' = ['CON1'] }", "check", &all[..2]),
        ("per-file-ignores = { 'tests/*' = ['CON1'] }", "check --select CON101", &all[..1]),
        ("per-file-ignores = { '*.py' = ['ALL'] }", "check --isolated", &all),
        ("ignore = ['ALL']", "check --isolated", &all),
    ] {
        assert_eq!(codes(&format!("{table}{configuration}\n"), line), expected, "{configuration} {line}");
    }
}

#[test]
fn the_nearest_file_with_a_table_of_ours_is_taken() {
    let ignore = "[tool.concadvise.check]\nignore = ['CON101']\n";
    for (files, line, status) in [
        (&[("pyproject.toml", ignore), ("a/app.py", BLOCKED)][..], "check a", 0),
        (&[("pyproject.toml", ignore), ("a/pyproject.toml", "[tool.ruff]\n"), ("a/app.py", BLOCKED)], "check a", 0),
        (&[("pyproject.toml", ignore), ("a/pyproject.toml", "not TOML"), ("a/app.py", BLOCKED)], "check a/app.py", 0),
        (&[("b/pyproject.toml", ignore), ("a/app.py", BLOCKED)], "check a", 1),
        (&[("b/pyproject.toml", ignore), ("a/app.py", BLOCKED)], "check a --config b/pyproject.toml", 0),
        (&[("a/pyproject.toml", ignore), ("a/app.py", BLOCKED), ("b/app.py", "x = 1\n")], "check a b", 1),
    ] {
        project(files).type_in(line).exits(status).says_nothing();
    }
}

#[test]
fn what_is_wrong_with_it_is_told_with_its_place() {
    for (text, line, words) in [
        ("[tool.concadvise.check]\n\nselct = []\n", "check", "pyproject.toml:3: unknown key `selct`"),
        ("[tool.concadvise.check]\nselct = []\n", "check", "did you mean `select`?"),
        (
            "[tool.concadvise.check]\nselect = ['E501']\n",
            "check",
            "pyproject.toml:2: no finding's code begins with E501",
        ),
        ("concadvise = [\n", "check", "not TOML"),
        ("[tool.ruff]\n", "check --config pyproject.toml", "has no table [tool.concadvise.check]"),
        ("", "check --config none.toml", "cannot read none.toml"),
        ("", "check --config pyproject.toml --isolated", "cannot be used with"),
    ] {
        project(&[("pyproject.toml", text), ("app.py", "x = 1\n")]).type_in(line).exits(2).says(words);
    }
    let wrong = "[tool.concadvise.check]\nselct = []\n";
    project(&[("pyproject.toml", wrong), ("app.py", "x = 1\n")]).type_in("check --isolated").exits(0).says_nothing();
}
