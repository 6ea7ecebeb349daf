//! What this kernel lets an ordinary user measure. `None` stands for "the kernel does not say".
//!
//! What a missing right costs, and how to get it, is `report`'s to say.

use super::Rights;
use super::mounts::Mount;
use super::tree::Tree;

/// Reads all of it.
pub(super) fn read(tree: Tree<'_>, mounts: &[Mount]) -> Rights {
    Rights {
        perf_event_paranoid: tree.value("/proc/sys/kernel/perf_event_paranoid"),
        ptrace_scope: tree.value("/proc/sys/kernel/yama/ptrace_scope"),
        hidepid: hidepid(mounts),
        schedstat: counts_schedstat(tree),
    }
}

/// Since Linux 5.8 the option may also be a word (proc(5)). A value nobody knows is taken as the strictest.
fn hidepid(mounts: &[Mount]) -> u32 {
    let options = Mount::at(mounts, "/proc").map(|mount| mount.options.as_slice()).unwrap_or_default();
    match options.iter().find_map(|option| option.strip_prefix("hidepid=")) {
        None | Some("off" | "0") => 0,
        Some("noaccess" | "1") => 1,
        Some("ptraceable" | "4") => 4,
        Some(_) => 2,
    }
}

/// The third field counts times on a core. We are running, so a kernel that keeps the count shows at least one; one
/// built without it has no file, or shows zeros.
fn counts_schedstat(tree: Tree<'_>) -> bool {
    let text = tree.text("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace().nth(2).and_then(|slices| slices.parse::<u64>().ok()).is_some_and(|slices| slices > 0)
}
