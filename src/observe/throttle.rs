//! Whether CPU time was taken away during a run: by a cgroup's quota, or by the hypervisor.

use super::readings::TICK;
use crate::notice::Notice;
use crate::units::human;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Less than this part of the run is not worth a caveat: it is within what two runs differ by anyway.
const WORTH_SAYING: f64 = 0.05;

/// The kernel's sums at one moment.
pub(super) struct Throttle {
    /// Time that each of our cgroups with a CPU controller spent throttled, summed over processors.
    cgroups: Vec<(PathBuf, Duration)>,
    /// Stolen and all time of the machine, in the kernel's ticks.
    machine: Option<(u64, u64)>,
}

impl Throttle {
    /// To be read just before the run.
    pub(super) fn before_run() -> Self {
        let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let files = stat_files(&membership, Path::new("/sys/fs/cgroup"));
        let cgroups = files.into_iter().filter_map(|file| throttled_in(&file).map(|time| (file, time))).collect();
        Self { cgroups, machine: machine() }
    }

    /// What is to be said after a run of `wall`.
    pub(super) fn notice(&self, wall: Duration) -> Option<Notice> {
        let since =
            |(file, before): &(PathBuf, Duration)| Some((throttled_in(file)?.saturating_sub(*before), file.clone()));
        let worst = self.cgroups.iter().filter_map(since).max();
        if let Some((throttled, file)) = worst.filter(|(throttled, _)| *throttled > wall.mul_f64(WORTH_SAYING)) {
            let how = format!("{} says a quota stopped it for {} of {}", file.display(), human(throttled), human(wall));
            return Some(Notice::Throttled { how });
        }
        let (stolen, all) = self.since()?;
        (stolen as f64 > all as f64 * WORTH_SAYING).then(|| Notice::Throttled {
            how: format!("the hypervisor kept {:.0} % of this machine for others (/proc/stat)", percent(stolen, all)),
        })
    }

    /// The most that the hypervisor can have kept since. Each core's part is counted at its ticks, so the last of each
    /// may be missing; nothing where it never kept anything.
    pub(super) fn stolen(&self) -> Duration {
        let ever = self.machine.is_some_and(|(stolen, _)| stolen > 0);
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let ticks = self.since().filter(|_| ever).map_or(0, |(stolen, _)| stolen + cores);
        TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// Stolen and all ticks since the start.
    fn since(&self) -> Option<(u64, u64)> {
        let ((stolen_before, all_before), (stolen, all)) = (self.machine?, machine()?);
        Some((stolen.saturating_sub(stolen_before), all.saturating_sub(all_before)))
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

/// `cpu.stat` of every cgroup that we are in and of their ancestors, in version 1, 2 and both at once; whether each
/// is there is for the reader to find out. Which of them sets a quota is `host`'s.
fn stat_files(membership: &str, mount: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let base = match controllers {
            "" => mount.to_owned(),
            _ if controllers.split(',').any(|controller| controller == "cpu") => mount.join(controllers),
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        files.extend(path.ancestors().map(|ancestor| base.join(ancestor).join("cpu.stat")));
    }
    files
}

fn throttled_in(file: &Path) -> Option<Duration> {
    throttled(&fs::read_to_string(file).ok()?)
}

/// Version 2 counts microseconds, version 1 nanoseconds.
fn throttled(stat: &str) -> Option<Duration> {
    stat.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_usec", time) => time.parse().ok().map(Duration::from_micros),
        ("throttled_time", time) => time.parse().ok().map(Duration::from_nanos),
        _ => None,
    })
}

fn machine() -> Option<(u64, u64)> {
    stolen_of(&fs::read_to_string("/proc/stat").ok()?)
}

/// Stolen and all ticks of the first line of `/proc/stat`, whose eighth number is the stolen and whose ninth and
/// tenth, guests' time, are within the first two (proc_stat(5)).
fn stolen_of(stat: &str) -> Option<(u64, u64)> {
    let ticks = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().take(8);
    let ticks = ticks.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ancestor_with_a_cpu_controller_is_asked() {
        let files = |membership| {
            stat_files(membership, Path::new("/m"))
                .into_iter()
                .map(|file| file.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(files("0::/a/b\n"), ["/m/a/b/cpu.stat", "/m/a/cpu.stat", "/m/cpu.stat"]);
        assert_eq!(files("4:memory:/x\n2:cpu,cpuacct:/\n"), ["/m/cpu,cpuacct/cpu.stat"]);
        assert_eq!(files("nonsense\n"), [""; 0]);
    }

    #[test]
    fn both_versions_of_the_throttled_time_are_read() {
        assert_eq!(throttled("nr_throttled 3\nthrottled_time 1500\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(throttled("usage_usec 9\nthrottled_usec 1500\n"), Some(Duration::from_micros(1500)));
        assert_eq!(throttled("usage_usec 9\n"), None);
    }

    #[test]
    fn stolen_time_is_the_eighth_number_and_guests_are_not_counted_twice() {
        assert_eq!(stolen_of("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1\n"), Some((8, 36)));
        assert_eq!(stolen_of("cpu  1 2 3\n"), None);
        assert_eq!(stolen_of(""), None);
    }
}
