//! The samples, replayed: what was recorded of each leads to the report that lies beside it, with no clock.
//!
//! `samples/record` runs the samples anew. After a change to rules, thresholds or wording,
//! `UPDATE_SAMPLES=1 cargo test --test samples` writes the expected reports anew from the same recordings: read the
//! difference before you commit it.

use concadvise::report::recording::Recording;
use concadvise::report::schema::Document;
use concadvise::report::toml::write;
use concadvise::rules::Rules;
use concadvise::run::replay;
use std::fs;
use std::path::{Path, PathBuf};

/// What a sample says of itself.
struct Sample {
    folder: PathBuf,
    classes: Vec<String>,
    models: Vec<String>,
}

impl Sample {
    fn read(folder: PathBuf) -> Self {
        let text = fs::read_to_string(folder.join("sample.toml")).expect("a sample.toml in every sample");
        let table: toml::Table = text.parse().expect("TOML");
        let words = |key: &str| -> Vec<String> {
            let words = table[key].as_array().expect("an array").iter();
            words.map(|word| word.as_str().expect("a word").to_owned()).collect()
        };
        assert!(table["about"].as_str().is_some_and(|about| !about.is_empty()), "{}", folder.display());
        Self { classes: words("expect_class"), models: words("expect_model"), folder }
    }

    fn name(&self) -> String {
        self.folder.file_name().expect("a folder").to_string_lossy().into_owned()
    }

    fn replayed(&self) -> Document {
        let recording = Recording::read(&self.folder.join("recording.json")).expect("a recording in every sample");
        Document::of(&replay(recording, &Rules::embedded()))
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let entries = fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(Sample::read).collect()
}

#[test]
fn each_recording_leads_to_the_report_beside_it() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let path = sample.folder.join("expected.toml");
        let replayed = write(&sample.replayed()).expect("a report");
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            fs::write(&path, &replayed).expect("the expected report");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let differs = expected.lines().zip(replayed.lines()).find(|(expected, replayed)| expected != replayed);
        if expected != replayed {
            wrong.push(format!("{}: expected, then replayed: {differs:#?}", sample.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_sample_gets_a_class_and_a_model_that_are_right_for_it() {
    let judged = |sample: &Sample| {
        let document = sample.replayed();
        let (class, model) = (document.classification.class, document.recommendation.model);
        let right = sample.classes.contains(&class) && sample.models.contains(&model);
        (!right).then(|| format!("{} is {class} and was advised {model}", sample.name()))
    };
    let wrong: Vec<String> = samples().iter().filter_map(judged).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_workload_of_the_articles_is_among_the_samples() {
    let names: Vec<String> = samples().iter().map(Sample::name).collect();
    for name in [
        "big-payload",
        "downloads",
        "fetch-and-parse",
        "fork-heavy",
        "hashing",
        "lock-convoy",
        "loopback-http",
        "memory-heavy",
        "native-cpu",
        "native-io",
        "primes",
        "small-files",
        "spinning-threads",
        "subprocess-waiter",
        "too-short",
    ] {
        assert!(names.iter().any(|known| known == name), "{name} is missing");
    }
}
