//! What a person is promised who asks for a check: findings with their lines, the same for programs, a status that a
//! script can trust, and nothing run.

#[path = "check/configuration.rs"]
mod configuration;
#[path = "check/fixes.rs"]
mod fixes;
#[path = "check/formats.rs"]
mod formats;
#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;
#[path = "support/sarif.rs"]
mod validate;

use serde_json::Value;
use support::{Ran, Scene, scene};

const BLOCKED: &str = "import time\n\n\nasync def fetch(item):\n    time.sleep(1)  # wait\n    return item\n";
const SIZED: &str = "from concurrent.futures import ThreadPoolExecutor\n\npool = ThreadPoolExecutor(8)\n";

fn project(files: &[(&str, &str)]) -> Scene {
    files.iter().fold(scene(), |scene, (name, text)| scene.file(name, 0o644, text))
}

fn page(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

#[test]
fn a_finding_shows_its_line_and_a_mark() {
    let ran = project(&[("app.py", BLOCKED)]).type_in("check").exits(1).says_nothing();
    ran.prints(
        "app.py:5:5: warning CON101 time.sleep() blocks the event loop; use await asyncio.sleep()\n    |\n  5 | \
         time.sleep(1)  # wait\n    | ^^^^^^^^^^^^^\n\n1 file checked: 1 warning\n",
    );
}

#[test]
fn only_warnings_and_errors_fail() {
    project(&[("app.py", BLOCKED)]).type_in("check app.py").exits(1);
    project(&[("app.py", SIZED)]).type_in("check app.py").exits(0);
    project(&[("app.py", "x = 1\n")]).type_in("check").exits(0).prints("1 file checked: no findings\n");
}

#[test]
fn what_cannot_be_read_is_a_status_of_its_own() {
    project(&[("app.py", BLOCKED)]).type_in("check app.py missing.py").exits(2).says("missing.py: it cannot be read");
    project(&[("app.py", "\u{0}")]).type_in("check app.py").exits(2).says("null bytes");
    project(&[]).type_in("check --select E501").exits(2).says("no finding's code begins with E501");
    project(&[]).type_in("check --frobnicate").exits(2).says("--frobnicate");
}

#[test]
fn codes_are_chosen_and_suppressed() {
    let both = [("app.py", BLOCKED), ("pool.py", SIZED)];
    for (line, status, codes) in [
        ("check --format json", 1, vec!["CON101", "CON401"]),
        ("check --format json --select CON4", 0, vec!["CON401"]),
        ("check --format json --ignore con101", 0, vec!["CON401"]),
        ("check --format json --select CON1,CON4 --ignore CON401", 1, vec!["CON101"]),
    ] {
        let document = json(&project(&both).type_in(line).exits(status));
        let found = document["findings"].as_array().expect("findings");
        let found: Vec<&str> = found.iter().filter_map(|finding| finding["code"].as_str()).collect();
        assert_eq!(found, codes, "{line}");
    }
    let quiet = BLOCKED.replace("# wait", "# noqa: CON101");
    project(&[("app.py", &quiet)]).type_in("check").exits(0);
}

#[test]
fn programs_read_places_names_and_chains() {
    let helper = "import time\n\n\ndef load(key):\n    time.sleep(key)\n";
    let app = "from helper import load\n\n\nclass View:\n    async def get(self, key):\n        return load(key)\n";
    let ran = project(&[("app.py", app), ("helper.py", helper)]).type_in("check --format json").exits(1);
    let finding = &json(&ran)["findings"][0];
    for (key, value) in [("code", "CON102"), ("path", "app.py"), ("qualified_name", "View.get"), ("evidence", "source")]
    {
        assert_eq!(finding[key], value, "{finding:#}");
    }
    assert_eq!((&finding["line"], &finding["column"], &finding["end_column"]), (&6.into(), &16.into(), &25.into()));
    assert_eq!(finding["chain"][0]["path"], "helper.py");
}

#[test]
fn what_a_file_says_never_reaches_the_terminal_as_more_than_text() {
    let text = "import time\nasync def f():\n    time.sleep('\u{1b}[31m')\n";
    let ran = project(&[("app.py", text)]).type_in("check").exits(1);
    let page = page(&ran);
    assert!(!page.contains('\u{1b}') && page.contains("\\x1b[31m"), "{page}");
}

#[test]
fn a_code_is_explained() {
    let ran = scene().type_in("explain con204").exits(0).says_nothing();
    let page = page(&ran);
    for part in ["CON204 no-main-guard", "Why it is bad", "Use instead", "if __name__ =="] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    scene().type_in("explain CON999").exits(2);
}

#[test]
fn a_reader_that_wants_no_more_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    project(&[("app.py", BLOCKED)]).stdout(writer.into()).type_in("check app.py").exits(1).says_nothing();
}
