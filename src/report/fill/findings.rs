//! Findings joined to the run, as the report's table.

use super::{said, schema, word};
use crate::recommendation::JoinedFinding;

/// A row for each, in the order they matter in.
pub(super) fn findings(from: &[JoinedFinding]) -> Vec<schema::Finding> {
    from.iter().map(row).collect()
}

fn row(from: &JoinedFinding) -> schema::Finding {
    schema::Finding {
        code: said(&from.code),
        level: from.level.name().to_owned(),
        path: word(from.path.as_os_str()),
        line: u64::from(from.line),
        qualified_name: from.qualified_name.as_deref().map(said),
        message: said(&from.message),
        evidence: from.evidence.name().to_owned(),
    }
}

#[cfg(test)]
pub mod tests {
    use crate::recommendation::{JoinedFinding, Standing};
    use crate::report::fill::tests::HOSTILE;
    use crate::source::detect::executors::Workers;
    use crate::source::finding::{Evidence, Level};
    use crate::source::outline::{Outline, Releasing, SourceFinding};
    use crate::source::project::executor::{Executor, Unsent};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    /// An outline with something in every place.
    pub fn outline() -> Outline {
        let finding = SourceFinding {
            code: "CON101".into(),
            level: Level::Warning,
            path: OsString::from_vec(b"/srv/app\xff.py".to_vec()).into(),
            lines: (41, 43),
            qualified_name: Some("Client.fetch".into()),
            message: HOSTILE.into(),
        };
        let path = || PathBuf::from("/srv/app.py");
        let executor = Executor {
            name: "ThreadPoolExecutor",
            workers: Workers::Threads,
            size: Some(8),
            path: path(),
            line: 9,
            within: None,
            silent: vec!["CON603".into()],
        };
        Outline {
            folder: "/srv".into(),
            files: 3,
            unread: 1,
            findings: vec![finding],
            left_out: 2,
            executors: vec![executor],
            unsent: vec![Unsent { path: path(), line: 9, what: "a lambda".into() }],
            async_libraries: vec!["aiohttp".into()],
            coroutines: 4,
            loops: 5,
            releasing: vec![Releasing { path: path(), within: "digest".into(), callable: "hashlib.md5".into() }],
        }
    }

    /// Findings of every standing but one, one of them hostile.
    pub fn joined() -> Vec<JoinedFinding> {
        let finding = |code: &str, level, line, evidence, standing, message: &str| JoinedFinding {
            code: code.into(),
            level,
            path: "app.py".into(),
            line,
            qualified_name: Some("Client.fetch".into()),
            message: message.into(),
            evidence,
            standing,
        };
        let blocked = "time.sleep() blocks the event loop; line 41 blocked the loop for about 310 ms in this run";
        let hostile = format!("what {HOSTILE} is");
        vec![
            finding("CON101", Level::Error, 41, Evidence::Run, Standing::Confirmed, blocked),
            finding("CON201", Level::Warning, 7, Evidence::Source, Standing::Open, &hostile),
            finding("CON401", Level::Info, 9, Evidence::Source, Standing::Open, "8 workers are right somewhere"),
        ]
    }
}
