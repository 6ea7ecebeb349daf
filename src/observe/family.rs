//! Which of our children are the run's: those that we did not have before it. A shell that becomes us by `exec`
//! leaves us its background jobs, and an earlier run its daemons.
//!
//! The kernel gives orphans to a process's first thread, so a run that is watched by another thread is told nothing
//! of them: they are then neither counted nor left over.

use std::fs;

/// The children we had before the run.
pub(super) struct Family {
    strangers: Vec<i32>,
}

impl Family {
    /// To be made before the run's first process is.
    pub(super) fn before_run() -> Self {
        Self { strangers: children() }
    }

    /// Whether a child belongs to the run.
    pub(super) fn has(&self, pid: i32) -> bool {
        !self.strangers.contains(&pid)
    }

    /// Children of the run that were not reaped yet.
    pub(super) fn members(&self) -> Vec<i32> {
        children().into_iter().filter(|pid| self.has(*pid)).collect()
    }
}

/// Children of this thread, ended ones too; none where the kernel was built without this file.
fn children() -> Vec<i32> {
    let listed = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    listed.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether this process is below `pid` in the tree of processes.
pub(super) fn is_ancestor_of_us(pid: i32) -> bool {
    let us = i32::try_from(std::process::id()).unwrap_or(0);
    std::iter::successors(parent(us), |seen| parent(*seen)).any(|seen| seen == pid)
}

/// Whether `pid` is below this process in the tree of processes.
pub(super) fn descends_from_us(pid: i32) -> bool {
    let us = i32::try_from(std::process::id()).unwrap_or(0);
    let mut seen = pid;
    while seen > 1 {
        match parent(seen) {
            Some(parent) if parent == us => return true,
            Some(parent) => seen = parent,
            None => return false,
        }
    }
    false
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may itself hold brackets and spaces; the last one closes it.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    std::str::from_utf8(stat.get(after_name..)?).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_parent_is_not_below_us_and_a_child_is() -> std::io::Result<()> {
        let us = i32::try_from(std::process::id()).expect("a process id fits");
        assert!(!descends_from_us(parent(us).expect("we have a parent")));
        assert!(is_ancestor_of_us(parent(us).expect("we have a parent")) && !is_ancestor_of_us(us));
        let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
        assert!(descends_from_us(i32::try_from(child.id()).expect("a process id fits")));
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}
