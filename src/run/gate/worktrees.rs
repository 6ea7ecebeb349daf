//! [`Worktrees`]: the base and the head, checked out side by side below a temporary folder, and taken away again
//! whatever happens.
//!
//! The head is HEAD as it is committed, not the folder that the user works in: so both sides are the same kind of folder,
//! made from nothing by the same command, and neither has caches, builds or edits that the other lacks. The user's
//! files, index, branches and stash are not touched.

use super::Stop;
use super::attended::Attended;
use super::git::{answer, ask, git};
use crate::report::escape::{text, word};
use crate::run::say;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Base,
    Head,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Base, Self::Head];

    /// The name of its folder: of one length, for a path is part of what a program works on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

/// Both, while they are there.
pub(super) struct Worktrees {
    folder: TempDir,
    /// The user's own; links are followed.
    pub top: PathBuf,
    /// Where in it the user is.
    below: PathBuf,
    /// What was named, and the commit that it is; of the base and of the head.
    commits: [(String, String); 2],
    made: Vec<PathBuf>,
}

impl Worktrees {
    /// Of `rev` and of HEAD, of the repository that the current folder is in.
    ///
    /// # Errors
    /// A sentence that says what to do, or the signal that ended it.
    pub fn of(rev: &str, attended: &Attended) -> Result<Self, Stop> {
        let here = std::env::current_dir().map_err(|why| format!("cannot tell which folder this is: {why}"))?;
        let top = ask(&here, ["rev-parse", "--show-toplevel"], attended).map_err(|why| {
            format!("--paired compares two commits of the git repository that it is run in, and here is none: {why}")
        })?;
        let below = ask(&here, ["rev-parse", "--show-prefix"], attended)?;
        let top = Path::new(&top).canonicalize().map_err(|why| format!("cannot find {}: {why}", word(&top)))?;
        let commits = [commit(&top, rev, attended)?, commit(&top, "HEAD", attended)?];
        let builder = tempfile::Builder::new().prefix("concadvise-").tempdir();
        let folder = builder.map_err(|why| format!("cannot make a temporary folder for the two commits: {why}"))?;
        // Without the slash that git ends it with: some programs show where they are.
        let below = Path::new(&below).components().collect();
        let mut worktrees = Self { folder, top, below, commits, made: Vec::new() };
        for side in Side::BOTH {
            worktrees.add(side, attended)?;
        }
        Ok(worktrees)
    }

    fn add(&mut self, side: Side, attended: &Attended) -> Result<(), Stop> {
        let (rev, commit) = self.commit(side).clone();
        let path = self.folder.path().join(side.name());
        let words = ["worktree", "add", "--quiet", "--detach"].map(OsStr::new).into_iter();
        let added = answer(&mut git(&self.top, words.chain([path.as_os_str(), OsStr::new(&commit)])), attended);
        if path.join(".git").exists() {
            self.made.push(path);
        }
        attended.go_on()?;
        added.map_err(|why| format!("cannot check {} out: {why}", text(&rev)))?;
        let place = self.place(side);
        if !place.is_dir() {
            let below = word(self.below.as_os_str());
            let why = format!("{} has no folder {below}; run it in one that both commits have", text(&rev));
            return Err(why.into());
        }
        Ok(())
    }

    /// Where a side's commands are run: the folder in it that the user is in.
    pub fn place(&self, side: Side) -> PathBuf {
        let worktree = self.folder.path().join(side.name());
        if self.below.as_os_str().is_empty() { worktree } else { worktree.join(&self.below) }
    }

    /// What a side was named, and its commit.
    pub fn commit(&self, side: Side) -> &(String, String) {
        &self.commits[side as usize]
    }

    /// What is not as a reader may think.
    pub fn caveats(&self, attended: &Attended) -> Vec<String> {
        let mut caveats = Vec::new();
        let edited = ask(&self.top, ["status", "--porcelain", "-z"], attended).unwrap_or_default();
        if !edited.is_empty() {
            caveats.push("what is not committed is not what runs: --paired runs HEAD as it is committed".to_owned());
        }
        let [(_, base), (_, head)] = &self.commits;
        if base == head {
            caveats.push("both sides are the same commit, so nothing but chance can differ".to_owned());
        }
        let has = |file: &str| self.made.iter().any(|made| made.join(file).exists());
        if has(".gitmodules") {
            caveats.push(
                "submodules are not checked out; let --build do it: git submodule update --init --recursive".to_owned(),
            );
        }
        caveats
    }
}

/// A revision with the commit that it is.
fn commit(top: &Path, rev: &str, attended: &Attended) -> Result<(String, String), Stop> {
    let peeled = format!("{rev}^{{commit}}");
    let found = match rev.starts_with('-') {
        true => Err("a commit's name does not begin with -".to_owned()),
        false => ask(top, ["rev-parse", "--verify", "--quiet", &peeled], attended),
    };
    if let Ok(commit) = found {
        return Ok((rev.to_owned(), commit.to_string_lossy().into_owned()));
    }
    attended.go_on()?;
    let shallow = ask(top, ["rev-parse", "--is-shallow-repository"], attended).is_ok_and(|answer| answer == "true");
    Err(Stop::from(match (rev, shallow) {
        ("HEAD", _) => "there is no commit yet that HEAD could be; commit first".to_owned(),
        (rev, true) => format!(
            "this clone has no commit {rev}, for it is shallow: fetch all of it, with fetch-depth: 0 of \
             actions/checkout, GIT_DEPTH: 0 of GitLab, or git fetch --unshallow"
        ),
        (rev, false) => format!(
            "git knows no commit {rev} here; name a branch, a tag or a commit that is there, or fetch it first: git \
             fetch origin"
        ),
    }))
}

impl Drop for Worktrees {
    fn drop(&mut self) {
        for path in &self.made {
            // Not spared the signals that we hold back: a second Ctrl-C must not leave half of it. Never `worktree
            // prune`, which would also forget those of the user's that lie on a disk that is not there now.
            let words = ["worktree", "remove", "--force", "--force"].map(OsStr::new).into_iter();
            let removed = git(&self.top, words.chain([path.as_os_str()])).output();
            if !removed.is_ok_and(|removed| removed.status.success()) {
                let (path, top) = (word(path.as_os_str()), word(self.top.as_os_str()));
                say::complain(&format!("cannot remove {path}; remove it, and then: git -C {top} worktree prune"));
            }
        }
    }
}
