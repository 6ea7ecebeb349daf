//! What is known without reading any source: what each code of a finding means (`rules/findings/CON…toml`), which
//! callables block (`blocking.toml`), compute for long (`cpu_work.toml`) or make clients (`clients.toml`), what
//! qualified names stand for (`kinds.toml`), and which libraries tell how a program can run its work
//! (`libraries.toml`). All are in the binary, and tested to be right.

use super::finding::{Evidence, Level};
use super::names::QualifiedName;
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::LazyLock;

macro_rules! entries {
    ($($code:literal),* $(,)?) => {
        [$(($code, include_str!(concat!("../../rules/findings/", $code, ".toml")))),*]
    };
}

const ENTRIES: [(&str, &str); 35] = entries![
    "CON101", "CON102", "CON103", "CON104", "CON105", "CON106", "CON107", "CON108", "CON109", "CON110", "CON111",
    "CON201", "CON202", "CON203", "CON204", "CON205", "CON206", "CON207", "CON208", "CON209", "CON210", "CON301",
    "CON302", "CON303", "CON401", "CON402", "CON403", "CON404", "CON501", "CON502", "CON601", "CON602", "CON603",
    "CON901", "CON902",
];
const KINDS: &str = include_str!("../../rules/findings/kinds.toml");
const BLOCKING: &str = include_str!("../../rules/findings/blocking.toml");
const CPU_WORK: &str = include_str!("../../rules/findings/cpu_work.toml");
const CLIENTS: &str = include_str!("../../rules/findings/clients.toml");
const LIBRARIES: &str = include_str!("../../rules/findings/libraries.toml");

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the embedded files are tested to be right"));

/// Everything that is known.
#[derive(Debug)]
pub struct Catalogue {
    /// Every code, in order.
    pub entries: Vec<Entry>,
    /// What names stand for.
    pub kinds: Kinds,
    /// Which callables block.
    pub blocking: Blocking,
    /// Which callables keep the processor for long.
    pub cpu_work: Blocking,
    /// Which callables make a client or a connection that is meant to be kept.
    pub clients: Blocking,
    /// Which libraries tell how a program can run its work.
    pub libraries: Libraries,
}

/// What a code of a finding means.
#[derive(Debug)]
pub struct Entry {
    /// `CON101`.
    pub code: String,
    /// A few words with hyphens.
    pub name: String,
    /// How much it matters, where nothing is known of the case.
    pub level: Level,
    /// Whether it is looked for unless asked otherwise.
    pub default: bool,
    /// What it stands on.
    pub evidence: Evidence,
    /// A file with none of these words cannot have it; most files need not even be parsed.
    pub words: Vec<String>,
    /// What is looked for.
    pub what: String,
    /// Why that is bad.
    pub why: String,
    /// Source that has it.
    pub example: String,
    /// The same without it.
    pub use_instead: String,
    /// Where the claim comes from.
    pub source: String,
}

/// What a code of a finding means.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EntryFile {
    /// The code, which is the file's name too.
    #[schemars(regex(pattern = r"^CON[0-9]{3}$"))]
    code: String,
    /// A few words with hyphens.
    name: String,
    /// How much it matters, where nothing is known of the case.
    #[schemars(schema_with = "levels")]
    level: String,
    /// Whether it is looked for unless asked otherwise.
    default: bool,
    /// What it stands on.
    #[schemars(schema_with = "evidence")]
    evidence: String,
    /// A file with none of these words cannot have it, and is not parsed for it.
    #[schemars(length(min = 1))]
    words: Vec<String>,
    /// What is looked for.
    what: String,
    /// Why that is bad.
    why: String,
    /// Source that has it.
    example: String,
    /// The same without it.
    use_instead: String,
    /// Where the claim comes from.
    source: String,
}

/// A file of `rules/findings/`, for its JSON Schema: a code, or one of the tables that detectors stand on.
pub struct File;

impl JsonSchema for File {
    fn schema_name() -> Cow<'static, str> {
        "File".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What concadvise knows without reading any source: what a code of a finding means, or a table \
                            of names that detectors stand on.",
            "anyOf": [
                generator.subschema_for::<EntryFile>(),
                generator.subschema_for::<BlockingFile>(),
                generator.subschema_for::<Kinds>(),
                generator.subschema_for::<Libraries>(),
            ],
        })
    }
}

fn levels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Level::ALL.map(Level::name) })
}

fn evidence(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Evidence::ALL.map(Evidence::name) })
}

/// What qualified names stand for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kinds {
    /// The same thing under another name.
    same: FxHashMap<String, String>,
    /// What a call gives an instance of.
    returns: FxHashMap<String, String>,
    /// What entering an instance gives an instance of, where that is not itself.
    enters: FxHashMap<String, String>,
    /// What gives back what it is given.
    passes: Passes,
}

/// Callables that give their first argument back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passes {
    /// Their qualified names.
    callables: FxHashSet<String>,
}

impl Kinds {
    /// The usual name of what a name names, where it is another.
    pub fn same(&self, name: &str) -> Option<&str> {
        self.same.get(name).map(String::as_str)
    }

    /// What calling `callable` gives an instance of, where its name does not say it.
    pub fn made_by(&self, callable: &str) -> Option<&str> {
        self.returns.get(callable).map(String::as_str)
    }

    /// What entering an instance of `class` gives an instance of, where that is not itself.
    pub fn entered(&self, class: &str) -> Option<&str> {
        self.enters.get(class).map(String::as_str)
    }

    /// Whether calling `callable` gives its first argument back.
    pub fn gives_its_argument(&self, callable: &str) -> bool {
        self.passes.callables.contains(callable)
    }
}

/// Libraries that tell how a program can run its work.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Libraries {
    /// Those whose waits an event loop can overlap.
    pub asynchronous: Listed,
    /// Calls that release the GIL while they compute.
    pub releases_gil: Listed,
}

/// Names, each of which stands for itself and all that is below it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Their qualified names.
    names: FxHashSet<String>,
}

impl Listed {
    /// The listed name that a qualified name is, or is below.
    pub fn of(&self, name: &str) -> Option<&str> {
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        ends.map(|end| &name[..end]).find_map(|name| self.names.get(name)).map(String::as_str)
    }
}

/// A table of callables: those that block, and in the same form those that compute and those that make clients.
#[derive(Debug, Default)]
pub struct Blocking {
    groups: Vec<Group>,
    by_name: FxHashMap<String, usize>,
    /// By class, of those of which every method is meant.
    by_owner: FxHashMap<String, usize>,
    except: FxHashSet<String>,
}

/// Callables that wait for the same.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    /// What they wait for, in a word.
    kind: String,
    /// How much a call in a coroutine matters, where that is not the finding's own level.
    #[serde(default)]
    #[schemars(schema_with = "levels")]
    level: Option<String>,
    /// Whether only many calls matter: those in a loop.
    #[serde(default)]
    repeated: bool,
    /// Completes "use …"; of clients, what to do.
    instead: String,
    /// Their qualified names; one that ends in `.*` means every method of an instance.
    #[schemars(length(min = 1))]
    calls: Vec<String>,
    /// Methods that a `.*` does not mean.
    #[serde(default)]
    except: Vec<String>,
}

/// A table of callables: those that block, those that compute for long, or those that make clients.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BlockingFile {
    /// Callables, by what they have in common.
    group: Vec<GroupFile>,
}

/// Callables that wait for the same.
#[derive(Debug)]
pub struct Group {
    /// What they wait for, in a word.
    pub kind: String,
    /// How much a call in a coroutine matters, where that is not the finding's own level.
    pub level: Option<Level>,
    /// Whether only many calls matter: those in a loop.
    pub repeated: bool,
    /// Completes "use …"; of clients, what to do.
    pub instead: String,
}

impl Blocking {
    /// The group of a callable of the table.
    pub fn of(&self, callable: &QualifiedName) -> Option<&Group> {
        let exact = self.by_name.get(callable.as_str());
        // A dunder or private attribute is no method that waits.
        let any = || self.by_owner.get(callable.owner()).filter(|_| !callable.last().starts_with('_'));
        let index = exact.or_else(any).filter(|_| !self.except.contains(callable.as_str()))?;
        self.groups.get(*index)
    }

    /// Every group.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// Every name in the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

impl Catalogue {
    /// The one in the binary.
    pub fn get() -> &'static Self {
        &CATALOGUE
    }

    /// What a code means.
    pub fn entry(&self, code: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.code == code)
    }

    fn embedded() -> Result<Self, String> {
        let entries = ENTRIES.iter().map(|(code, text)| entry(text).map_err(|why| format!("{code}.toml: {why}")));
        let kinds = toml::from_str(KINDS).map_err(|why| format!("kinds.toml: {why}"))?;
        let libraries = toml::from_str(LIBRARIES).map_err(|why| format!("libraries.toml: {why}"))?;
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            kinds,
            libraries,
            blocking: table("blocking.toml", BLOCKING)?,
            cpu_work: table("cpu_work.toml", CPU_WORK)?,
            clients: table("clients.toml", CLIENTS)?,
        })
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    let file: EntryFile = toml::from_str(text).map_err(|why| why.to_string())?;
    let evidence = Evidence::ALL.into_iter().find(|one| one.name() == file.evidence);
    Ok(Entry {
        level: level(&file.level)?,
        evidence: evidence.ok_or_else(|| format!("unknown evidence {}", file.evidence))?,
        code: file.code,
        name: file.name,
        default: file.default,
        words: file.words,
        what: file.what,
        why: file.why,
        example: file.example,
        use_instead: file.use_instead,
        source: file.source,
    })
}

fn table(file: &str, text: &str) -> Result<Blocking, String> {
    let groups: BlockingFile = toml::from_str(text).map_err(|why| format!("{file}: {why}"))?;
    let mut blocking = Blocking::default();
    for group in groups.group {
        for name in group.calls {
            if let Some(owner) = name.strip_suffix(".*") {
                blocking.by_owner.insert(owner.to_owned(), blocking.groups.len());
            }
            if let Some(before) = blocking.by_name.insert(name.clone(), blocking.groups.len()) {
                return Err(format!("{file}: {name} is in group {before} already"));
            }
        }
        blocking.except.extend(group.except);
        let level = group.level.as_deref().map(level).transpose()?;
        blocking.groups.push(Group { kind: group.kind, level, repeated: group.repeated, instead: group.instead });
    }
    Ok(blocking)
}

fn level(name: &str) -> Result<Level, String> {
    let known = Level::ALL.into_iter().find(|level| level.name() == name);
    known.ok_or_else(|| format!("unknown level {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_file_is_embedded_and_named_by_its_code() -> std::io::Result<()> {
        let catalogue = Catalogue::embedded().expect("the files are right");
        let codes: Vec<&str> = catalogue.entries.iter().map(|entry| entry.code.as_str()).collect();
        assert_eq!(codes, ENTRIES.map(|(code, _)| code), "a file is named by its code");
        assert!(codes.is_sorted());
        let mut files = Vec::new();
        for file in fs::read_dir("rules/findings")? {
            let name = file?.file_name().to_string_lossy().into_owned();
            files.extend(name.strip_suffix(".toml").filter(|stem| stem.starts_with("CON")).map(str::to_owned));
        }
        files.sort();
        assert_eq!(files, codes, "every file is in ENTRIES");
        Ok(())
    }

    #[test]
    fn every_entry_says_all_that_a_reader_needs() {
        for entry in &Catalogue::get().entries {
            let said = [&entry.what, &entry.why, &entry.example, &entry.use_instead, &entry.source];
            assert!(said.iter().all(|text| text.trim().len() > 10), "{}", entry.code);
            assert!(!entry.words.is_empty(), "{}", entry.code);
        }
    }

    #[test]
    fn each_table_says_what_to_do_instead() {
        let catalogue = Catalogue::get();
        for table in [&catalogue.blocking, &catalogue.cpu_work, &catalogue.clients] {
            assert!(table.names().count() > 10);
            assert!(table.groups().all(|group| !group.kind.is_empty() && group.instead.len() > 10));
        }
    }

    #[test]
    fn methods_of_a_star_block_but_for_exceptions() {
        let blocking = &Catalogue::get().blocking;
        let kind = |name: &str| blocking.of(&QualifiedName::of(name)).map(|group| group.kind.as_str());
        for (name, expected) in [
            ("time.sleep", Some("sleep")),
            ("redis.Redis.get", Some("cache")),
            ("redis.Redis.pipeline", None),
            ("redis.Redis._private", None),
            ("redis.asyncio.Redis.get", None),
            ("requests.Session.close", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
