//! Memory: the machine's, and the cgroup limit that leaves the least.
//!
//! Sources: `/proc/meminfo`; `memory.max`, `memory.current` (cgroup v2); `memory.limit_in_bytes`,
//! `memory.usage_in_bytes` (v1); `memory.stat` (both). `memory.high` slows a cgroup down but does not end its
//! processes, so it is not counted as a limit.

use super::cgroup::{Chain, Version};
use super::tree::Tree;
use super::{Memory, MemoryLimit};
use crate::notice::Notice;
use crate::units::Bytes;
use std::path::Path;

/// v1 has no word for "no limit": it shows the largest number of whole pages in an `i64`, which depends on the page
/// size. Nothing real comes near half of that.
const UNLIMITED_FROM: u64 = 1 << 62;

/// Reads all of it.
pub(super) fn read(tree: Tree<'_>, chain: Option<&Chain>, notices: &mut Vec<Notice>) -> Memory {
    let (total, available) = machine(tree, notices);
    Memory { total, available, limit: chain.and_then(|chain| limit(tree, chain, notices)) }
}

/// Total and available. Kernels before 3.14 have no `MemAvailable`; free memory and caches are its older estimate.
fn machine(tree: Tree<'_>, notices: &mut Vec<Notice>) -> (Bytes, Bytes) {
    let info = tree.text("/proc/meminfo").unwrap_or_default();
    let told = |key: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().trim_end_matches("kB").trim_end().parse().ok().map(Bytes::from_kib)
    };
    let older = || Some(told("MemFree")? + told("Buffers")? + told("Cached")?);
    let (total, available) = (told("MemTotal"), told("MemAvailable").or_else(older));
    if total.is_none() || available.is_none() {
        notices.push(Notice::Unavailable {
            what: "the machine's memory",
            why: "/proc/meminfo does not tell the total and what is available".to_owned(),
            remedy: "only a cgroup limit, where there is one, bounds the number of workers".to_owned(),
        });
    }
    (total.unwrap_or_default(), available.or(total).unwrap_or_default())
}

/// The limit of the chain that leaves the least: a roomy parent that is nearly full binds before a tight child that
/// is empty. Of equals, the innermost.
fn limit(tree: Tree<'_>, chain: &Chain, notices: &mut Vec<Notice>) -> Option<MemoryLimit> {
    let (limit_file, used_file, cache) = match chain.version {
        Version::V1 => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        Version::V2 => ("memory.max", "memory.current", "inactive_file"),
    };
    let mut tightest: Option<MemoryLimit> = None;
    for folder in &chain.folders {
        let from = folder.join(limit_file);
        let bytes = match limit_of(tree, &from) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(why) => {
                notices.push(Notice::Unavailable {
                    what: "a memory limit",
                    why: format!("{} {why}", from.display()),
                    remedy: "it is taken as no limit".to_owned(),
                });
                continue;
            }
        };
        let used = tree.value(folder.join(used_file)).map(Bytes);
        if used.is_none() {
            notices.push(Notice::Unavailable {
                what: "the memory a cgroup already uses",
                why: format!("{} is absent or not a number", folder.join(used_file).display()),
                remedy: format!("all of its {bytes} counts as free"),
            });
        }
        let used = used.unwrap_or_default() - reclaimable(tree, folder, cache);
        let left = |limit: &MemoryLimit| limit.bytes - limit.used;
        let limit = MemoryLimit { bytes, used, from };
        if tightest.as_ref().is_none_or(|tightest| left(&limit) < left(tightest)) {
            tightest = Some(limit);
        }
    }
    tightest
}

fn limit_of(tree: Tree<'_>, file: &Path) -> Result<Option<Bytes>, String> {
    let Some(text) = tree.setting(file)? else { return Ok(None) };
    match text.parse::<u64>() {
        _ if text == "max" || text == "-1" => Ok(None),
        Ok(bytes) => Ok((bytes < UNLIMITED_FROM).then_some(Bytes(bytes))),
        Err(_) => Err(format!("says {text:?}, which is not a number of bytes")),
    }
}

/// File cache that the kernel drops before it refuses memory: as `docker stats` and the kubelet count, the inactive
/// list only. None when it is not told, which errs on the side of "used".
fn reclaimable(tree: Tree<'_>, folder: &Path, key: &str) -> Bytes {
    let stat = tree.text(folder.join("memory.stat")).unwrap_or_default();
    let line = stat.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).map(Bytes).unwrap_or_default()
}
