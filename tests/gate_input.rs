//! Bad input of a gate, row by row: each file that it reads, in each way that such a file goes wrong, is refused at once
//! by a sentence that names the file and says what to do, or is data and nothing else.

#[expect(dead_code, reason = "the scene serves other tests too")]
mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use support::{Ran, Scene, scene};
use toml::{Table, Value};

const BASELINE: &str = "concadvise.baseline.toml";
const CONFIG: &str = "concadvise.config.toml";
const REPORT: &str = "r.toml";

/// A text that acts on a terminal, a runner, a page and a shell.
const HOSTILE: &str = "\u{1b}[2J\u{202e}\n::error::x\r<img src=x>|`$(id)`\u{0}%0A../../x";

/// Longer than reading 100 MB and parsing it would take a debug build is far away; a refusal is there at once.
const AT_ONCE: Duration = Duration::from_secs(20);

/// The three files of a gate, each as it should be.
static GOOD: LazyLock<[(&str, String); 3]> = LazyLock::new(good);

fn good() -> [(&'static str, String); 3] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/blocking-in-async/expected.toml");
    let report = fs::read_to_string(path).expect("a sample");
    let made = scene().file(REPORT, 0o644, &report).type_in("gate --update --force app=r.toml").exits(0);
    let baseline = fs::read_to_string(made.path(BASELINE)).expect("a baseline");
    let config = "[[target]]\nname = \"app\"\ncommand = [\"python3\", \"app.py\"]\noptions = [\"--budget\", \"1m\"]\n\
                  policy = \"fail\"\n\n[[target]]\nname = \"parse\"\ntask = \"app.py:parse\"\nitems = \"range(9)\"\n\n\
                  [gate]\ngain = 0.1\nequivalent = 0.05\nworkers = 1.5\npolicy = \"warn\"\nfail_on_inconclusive = false\n";
    [(BASELINE, baseline), (CONFIG, config.to_owned()), (REPORT, report)]
}

/// A scene with all of them, but for `name`, which is what `put` makes of it.
fn with(name: &str, put: impl FnOnce(Scene) -> Scene) -> Scene {
    let others = GOOD.iter().filter(|(other, _)| *other != name);
    put(others.fold(scene(), |scene, (other, text)| scene.file(other, 0o644, text)))
}

fn text_of(name: &str) -> String {
    GOOD.iter().find_map(|(other, text)| (*other == name).then(|| text.clone())).expect("one of the three")
}

/// Judges the report, and ends in time.
fn judge(scene: Scene) -> Ran {
    let begun = Instant::now();
    let ran = scene.type_in("gate app=r.toml --output github=g --output markdown=m --output junit=j --output json=s");
    assert!(begun.elapsed() < AT_ONCE, "it took {:?}: {}", begun.elapsed(), ran.stderr);
    ran
}

/// It says these words of that file, and that is all: no panic, no control codes, one sentence of a few lines.
fn refuses(name: &str, scene: Scene, says: &str) {
    let ran = judge(scene).exits(2).says(says);
    sound(&ran);
    assert!(ran.stderr.contains(name), "{name} is not named: {}", ran.stderr);
    assert!(ran.stderr.len() < 1000 && ran.stdout.is_empty(), "{}", ran.stderr);
}

/// Nothing that was printed or written acts on whoever reads it.
fn sound(ran: &Ran) {
    let written = |name: &str| fs::read_to_string(ran.path(name)).unwrap_or_default();
    let (page, github) = (String::from_utf8_lossy(&ran.stdout).into_owned(), written("g"));
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    for text in [&page, &ran.stderr, &github, &written("m"), &written("j")] {
        let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(acts), "{text:?}");
    }
    assert!(![written("m"), written("j")].iter().any(|text| text.contains("<img")), "a page has a tag of others");
    for line in [&page, &ran.stderr].into_iter().flat_map(|text| text.lines()) {
        assert!(!line.starts_with("::"), "{line}");
    }
    for line in github.lines() {
        let command =
            line.strip_prefix("::error ").or(line.strip_prefix("::warning ")).or(line.strip_prefix("::notice "));
        assert!(command.is_some_and(|rest| !rest.contains('\r')), "{line}");
    }
}

#[test]
fn a_baseline_that_is_missing_says_how_to_make_one() {
    let says = "there is no baseline concadvise.baseline.toml; make one with `concadvise gate --update REPORT`";
    refuses(BASELINE, with(BASELINE, |scene| scene), says);
    refuses(REPORT, with(REPORT, |scene| scene), "cannot use the report r.toml: No such file");
    // No configuration is no mistake, unless one is named.
    judge(with(CONFIG, |scene| scene)).exits(0).says_nothing();
    with(CONFIG, |scene| scene)
        .type_in("gate --config c.toml app=r.toml")
        .exits(2)
        .says("cannot read the configuration c.toml");
}

#[test]
fn what_is_no_text_file_of_a_sane_size_is_refused_at_once() {
    type Put = fn(&Path);
    let puts: [(&str, Put, &str); 7] = [
        ("a folder", |path| fs::create_dir(path).expect("a folder"), "it is a folder"),
        // As unreadable as a file can be to root, whom permissions do not stop.
        ("a loop of links", |path| symlink(path, path).expect("a link"), "symbolic links"),
        ("a socket", |path| drop(std::os::unix::net::UnixListener::bind(path).expect("a socket")), "No such device"),
        ("100 MB", |path| drop(File::create(path).map(|file| file.set_len(100 << 20).expect("room"))), "MiB"),
        ("a terabyte", |path| drop(File::create(path).map(|file| file.set_len(1 << 40).expect("room"))), "MiB"),
        ("bytes", |path| fs::write(path, b"a = 1\nb = 2\nc = '\xff'\n").expect("a file"), "line 3 is not UTF-8 text"),
        ("a device", |path| symlink("/dev/zero", path).expect("a link"), ""),
    ];
    for name in [BASELINE, CONFIG, REPORT] {
        for (what, put, says) in puts {
            println!("{name} is {what}");
            let scene = with(name, |scene| {
                put(&scene.path(name));
                scene
            });
            refuses(name, scene, says);
        }
        println!("{name} is a pipe that nobody writes into");
        let says = if name == CONFIG { "it is not a regular file" } else { "" };
        refuses(name, with(name, |scene| scene.pipe(name)), says);
    }
    refuses("pyproject.toml", with(CONFIG, |scene| scene.pipe("pyproject.toml")), "it is not a regular file");
}

#[test]
fn a_text_that_is_none_of_ours_is_refused_with_its_line() {
    let newer = |text: &str| text.replacen("schema_version = 1", "schema_version = 99", 1);
    let merged = |text: &str| text.replacen('\n', "\n<<<<<<< HEAD\n", 1);
    let (baseline, config, report) = (text_of(BASELINE), text_of(CONFIG), text_of(REPORT));
    let twice = baseline.replace("[end]", &baseline[baseline.find("[[target]]").expect("a target")..]);
    for (name, text, says) in [
        (BASELINE, String::new(), "has no `schema_version`"),
        (REPORT, String::new(), "there is no schema_version"),
        (BASELINE, newer(&baseline), "use the concadvise that wrote it"),
        (REPORT, newer(&report), "use the concadvise that wrote it"),
        (BASELINE, merged(&baseline), ":2: a merge left its conflict marks here; mend it"),
        (CONFIG, merged(&config), ":2: a merge left its conflict marks here; mend it"),
        (REPORT, merged(&report), "line 2: a merge left its conflict marks here"),
        (BASELINE, "<<<<<<<".repeat(9), ":1: this is not TOML"),
        (CONFIG, "{".repeat(9000), ":1: this is not TOML"),
        (REPORT, "[".repeat(9000), "line 1: this is not TOML"),
        (BASELINE, twice, "there are two targets of the name `app`; rename one"),
        (CONFIG, config.replace("\"parse\"", "\"app\""), ":7: there are two targets of the name `app`; rename one"),
        (
            BASELINE,
            baseline.replacen("admits", "admit", 1),
            "[target.decision] has no field `admit`; did you mean `admits`?",
        ),
        (BASELINE, baseline.replacen("cpus_usable =", "work_s =", 1), "[target.host] has no field `work_s`"),
        (CONFIG, config.replacen("gain =", "gian =", 1), ":13: [gate] has no field `gian`; did you mean `gain`?"),
        (CONFIG, config.replacen("0.1\n", "nan\n", 1), ":13: `gain` must be a number that is finite"),
        (REPORT, report.replacen("[recommendation]", "[recommendatoin]", 1), "it has no [recommendation]"),
        (REPORT, "schema_version = \"1\"".to_owned(), "schema_version"),
    ] {
        println!("{name}: {says}");
        refuses(name, with(name, |scene| scene.file(name, 0o644, &text)), says);
    }
    let other = report.replace("\"target.py\"", "\"other.py\"");
    let ran = with(REPORT, |scene| scene.file(REPORT, 0o644, &other)).type_in("gate r.toml").exits(2);
    sound(&ran.says("a report of another target, `python3 other.py`").says("say which it is, as NAME=REPORT"));
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_refused_or_is_a_whole_one() {
    for name in [BASELINE, CONFIG, REPORT] {
        let text = text_of(name);
        let whole = text.trim_end().len();
        let cuts = (0..whole).step_by(1 + whole / 24).chain(whole.saturating_sub(6)..whole);
        for at in cuts.filter(|at| text.is_char_boundary(*at)) {
            let ran = judge(with(name, |scene| scene.file(name, 0o644, &text[..at])));
            sound(&ran);
            let status = ran.status.code();
            // Only the baseline has an end that can be missed; the others may be whole files that say less.
            let fine =
                status == Some(2) && ran.stderr.contains(name) || name != BASELINE && matches!(status, Some(0 | 1));
            assert!(fine, "{name} cut off at {at}: {status:?} {}", ran.stderr);
        }
    }
}

/// Every place of a value in the table, those of later elements of an array left out: they are as the first.
fn places(table: &Table) -> Vec<Vec<String>> {
    fn walk(value: &Value, at: &[String], into: &mut Vec<Vec<String>>) {
        match value {
            Value::Table(table) => {
                table.iter().for_each(|(key, value)| walk(value, &[at, std::slice::from_ref(key)].concat(), into))
            }
            Value::Array(values) => {
                values.iter().take(1).for_each(|value| walk(value, &[at, &["0".to_owned()]].concat(), into))
            }
            _ => into.push(at.to_vec()),
        }
    }
    let mut all = Vec::new();
    walk(&Value::Table(table.clone()), &[], &mut all);
    all
}

fn set(value: &mut Value, place: &[String], new: Value) {
    let Some((first, rest)) = place.split_first() else {
        *value = new;
        return;
    };
    let inner = match value {
        Value::Table(table) => table.get_mut(first),
        Value::Array(values) => values.first_mut(),
        _ => None,
    };
    set(inner.expect("a place that is there"), rest, new);
}

#[test]
fn no_value_of_any_field_is_more_than_data() {
    for name in [BASELINE, CONFIG, REPORT] {
        let table: Table = text_of(name).parse().expect("TOML");
        let all = places(&table);
        assert!(all.len() > 8, "{all:?}");
        let others = [f64::NAN.into(), f64::NEG_INFINITY.into(), i64::MAX.into(), Value::Array(Vec::new())];
        for (place, other) in all.iter().zip(others.iter().cycle()) {
            for new in [HOSTILE.into(), other.clone()] {
                let number = new.as_float().is_some();
                let mut changed = Value::Table(table.clone());
                set(&mut changed, place, new);
                let text = toml::to_string(&changed).expect("TOML");
                let ran = judge(with(name, |scene| scene.file(name, 0o644, &text)));
                sound(&ran);
                let status = ran.status.code();
                assert!(matches!(status, Some(0 | 1 | 2 | 4)), "{place:?} of {name}: {status:?} {}", ran.stderr);
                assert!(!number || status == Some(2), "{place:?} of {name} is no number: {}", ran.stderr);
                // A target of another name is no fault of the file's.
                let named = ran.stderr.contains(name) || ran.stderr.contains("the baseline has no target app");
                assert!(status != Some(2) || named, "{place:?}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn no_name_of_any_field_is_more_than_data() {
    for name in [BASELINE, CONFIG, REPORT] {
        let text = text_of(name);
        let key = |line: &str| Some(line.split_once(" = ")?.0.to_owned()).filter(|key| !key.starts_with([' ', '#']));
        for key in text.lines().filter_map(key).collect::<BTreeSet<String>>() {
            // JSON's quotes are TOML's in one line.
            let hostile = serde_json::to_string(HOSTILE).expect("a text");
            let text = text.replacen(&format!("\n{key} = "), &format!("\n{hostile} = "), 1);
            let ran = judge(with(name, |scene| scene.file(name, 0o644, &text)));
            sound(&ran);
            assert!(matches!(ran.status.code(), Some(0..=2)), "{key} of {name}: {}", ran.stderr);
        }
    }
}

#[test]
fn verdicts_do_not_depend_on_the_order_of_targets() {
    let report = |sample: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample).join("expected.toml");
        fs::read_to_string(path).expect("a sample")
    };
    let now = [("a", "primes"), ("b", "downloads"), ("c", "blocking-in-async")];
    let then = [("a", "downloads"), ("b", "downloads"), ("c", "primes")];
    let made = then.iter().fold(scene(), |scene, (name, sample)| scene.file(name, 0o644, &report(sample)));
    let made = made.type_in("gate --update --force a=a b=b c=c").exits(0);
    let baseline = fs::read_to_string(made.path(BASELINE)).expect("a baseline");
    let (head, rest) = baseline.split_once("\n[[target]]").expect("targets");
    let targets: Vec<&str> = rest.trim_end_matches("[end]\n").split("\n[[target]]").collect();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let told = |order: [usize; 3]| {
        let targets: String = order.iter().map(|at| format!("\n[[target]]{}", targets[*at].trim_end())).collect();
        let policy = |at: &usize| {
            format!(
                "[[target]]\nname = \"{}\"\ncommand = [\"x\"]\npolicy = \"{}\"\n",
                now[*at].0,
                ["fail", "fail", "warn"][*at]
            )
        };
        let scene = now.iter().fold(scene(), |scene, (name, sample)| scene.file(name, 0o644, &report(sample)));
        let scene = scene.file(BASELINE, 0o644, &format!("{head}{targets}\n\n[end]\n"));
        let scene = scene.file(CONFIG, 0o644, &order.iter().map(policy).collect::<String>());
        let reports: Vec<String> = order.iter().map(|at| format!("{0}={0}", now[*at].0)).collect();
        let ran = scene.type_in(&format!("gate --format json {}", reports.join(" "))).exits(1);
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let first = told(orders[0]);
    assert!(first.contains("\"changed\"") && first.contains("\"unchanged\"") && first.contains("\"warn\""), "{first}");
    orders[1..].iter().for_each(|order| assert_eq!(told(*order), first, "{order:?}"));
}
