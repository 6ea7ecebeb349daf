//! Processors: which are online, which we may run on, how they are built, and the CPU time that cgroups grant.
//!
//! Sources: `Cpus_allowed_list` of `/proc/self/status`, `/sys/devices/system/{cpu,node}`, `cpu.max` (cgroup v2),
//! `cpu.cfs_quota_us` and `cpu.cfs_period_us` (v1). What the counts mean for workers is [`Cpus`]'s methods'.

use super::cgroup::{Chain, Version};
use super::tree::Tree;
use super::{CpuQuota, Cpus};
use crate::notice::Notice;
use std::collections::BTreeSet;
use std::path::Path;

/// Above every real machine (Linux's largest `NR_CPUS` is 8192); a higher number in a list is not a processor.
const HIGHEST_CPU: usize = 65_535;

/// Reads all of it. Online falls back to counting `/proc/cpuinfo`, then to one; affinity falls back to online.
pub(super) fn read(tree: Tree<'_>, chain: Option<&Chain>, notices: &mut Vec<Notice>) -> Cpus {
    let online = online(tree, notices);
    Cpus {
        online: online.len(),
        affinity: affinity(tree, &online, notices),
        quota: chain.and_then(|chain| quota(tree, chain, notices)),
        physical_cores: physical_cores(tree, &online),
        numa_nodes: numa_nodes(tree),
    }
}

fn online(tree: Tree<'_>, notices: &mut Vec<Notice>) -> BTreeSet<usize> {
    if let Some(online) = tree.text("/sys/devices/system/cpu/online").ok().as_deref().and_then(cpu_list) {
        return online;
    }
    let info = tree.text("/proc/cpuinfo").unwrap_or_default();
    let counted = info.lines().filter(|line| line.starts_with("processor")).count();
    let remedy = match counted {
        0 => "one processor is assumed".to_owned(),
        _ => format!("{counted} processors were counted in /proc/cpuinfo"),
    };
    notices.push(Notice::Unavailable {
        what: "the list of online processors",
        why: "/sys/devices/system/cpu/online is absent or not a list".to_owned(),
        remedy,
    });
    (0..counted.max(1)).collect()
}

fn affinity(tree: Tree<'_>, online: &BTreeSet<usize>, notices: &mut Vec<Notice>) -> usize {
    let status = tree.text("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let Some(allowed) = line.and_then(cpu_list) else {
        notices.push(Notice::Unavailable {
            what: "the CPU affinity",
            why: "/proc/self/status has no Cpus_allowed_list".to_owned(),
            remedy: "every online processor is taken as usable".to_owned(),
        });
        return online.len();
    };
    // The mask may name processors that are offline. Where the two are disjoint, `online` is not this machine's
    // (a container manager put a file of its own over it), and the kernel's mask is the one to believe.
    match allowed.intersection(online).count() {
        0 => allowed.len(),
        both => both,
    }
}

/// Cores are told apart by package, die (where told: its cores may be numbered anew) and core. `None` where one
/// online processor does not tell, or says -1 as kernels do that know no topology.
fn physical_cores(tree: Tree<'_>, online: &BTreeSet<usize>) -> Option<usize> {
    let mut cores = BTreeSet::new();
    for cpu in online {
        let told = |what: &str| tree.value::<i64>(format!("/sys/devices/system/cpu/cpu{cpu}/topology/{what}"));
        let package = told("physical_package_id").filter(|id| *id >= 0)?;
        let core = told("core_id").filter(|id| *id >= 0)?;
        cores.insert((package, told("die_id"), core));
    }
    Some(cores.len())
}

fn numa_nodes(tree: Tree<'_>) -> usize {
    let folder = Path::new("/sys/devices/system/node");
    let is_node = |name: &String| name.strip_prefix("node").is_some_and(|id| id.parse::<u32>().is_ok());
    let nodes = tree.names(folder).into_iter().filter(is_node);
    let has_cpus = |name: &String| tree.text(folder.join(name).join("cpulist")).is_ok_and(|l| cpu_list(&l).is_some());
    nodes.filter(has_cpus).count().max(1)
}

/// The tightest quota of the chain; of equals, the innermost.
fn quota(tree: Tree<'_>, chain: &Chain, notices: &mut Vec<Notice>) -> Option<CpuQuota> {
    let mut tightest: Option<CpuQuota> = None;
    for folder in &chain.folders {
        let (from, read) = match chain.version {
            Version::V1 => (folder.join("cpu.cfs_quota_us"), quota_v1(tree, folder)),
            Version::V2 => (folder.join("cpu.max"), quota_v2(tree, folder)),
        };
        match read {
            Ok(Some(cpus)) if tightest.as_ref().is_none_or(|quota| cpus < quota.cpus) => {
                tightest = Some(CpuQuota { cpus, from });
            }
            Ok(_) => {}
            Err(why) => notices.push(Notice::Unavailable {
                what: "a CPU quota",
                why: format!("{} {why}", from.display()),
                remedy: "it is taken as no quota".to_owned(),
            }),
        }
    }
    tightest
}

/// `cpu.max`: `MAX PERIOD` in microseconds, `max` for none. Absent at the root and where the controller is off.
fn quota_v2(tree: Tree<'_>, folder: &Path) -> Result<Option<f64>, String> {
    let Some(text) = tree.setting(&folder.join("cpu.max"))? else { return Ok(None) };
    match text.split_once(char::is_whitespace) {
        _ if text == "max" => Ok(None),
        Some(("max", _)) => Ok(None),
        Some((quota, period)) => ratio(quota, period.trim()).map(Some),
        None => Err(format!("says {text:?}, which is not a quota and a period")),
    }
}

/// `cpu.cfs_quota_us` over `cpu.cfs_period_us`; a negative quota is none.
fn quota_v1(tree: Tree<'_>, folder: &Path) -> Result<Option<f64>, String> {
    let Some(quota) = tree.setting(&folder.join("cpu.cfs_quota_us"))? else { return Ok(None) };
    if quota.parse::<i64>().is_ok_and(|quota| quota < 0) {
        return Ok(None);
    }
    let period = tree.setting(&folder.join("cpu.cfs_period_us"));
    let period = period.map_err(|why| format!("has a period beside it that {why}"))?;
    ratio(&quota, &period.ok_or("has no period beside it")?).map(Some)
}

fn ratio(quota: &str, period: &str) -> Result<f64, String> {
    match (quota.parse::<u64>(), period.parse::<u64>()) {
        (Ok(quota @ 1..), Ok(period @ 1..)) => Ok(quota as f64 / period as f64),
        _ => Err(format!("says {quota:?} of {period:?}, which is not a quota and a period")),
    }
}

/// The kernel's list format: `0-3,8,10-11`. `None` when it is empty or anything else.
fn cpu_list(text: &str) -> Option<BTreeSet<usize>> {
    let mut cpus = BTreeSet::new();
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if first > last || last > HIGHEST_CPU {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_list_is_ranges_and_numbers() {
        for (text, count) in [("0\n", 1), ("0-3,8-11", 8), ("0,2,4-5\n", 4), ("0-1,1-2", 3)] {
            assert_eq!(cpu_list(text).map(|cpus| cpus.len()), Some(count), "{text}");
        }
        for text in ["", "\n", "a", "3-1", "0-", "0-99999999999", "0-4000000000", "0x3", "0 1"] {
            assert_eq!(cpu_list(text), None, "{text}");
        }
    }
}
