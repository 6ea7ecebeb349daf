//! The kernel's exact sums over the tree, and whether the workers that were seen account for them.

use super::Totals;
use crate::notice::Notice;
use crate::units::Bytes;
use nix::libc;
use std::time::Duration;

/// `ru_inblock` and `ru_oublock` count blocks of this size, whatever the device's (Linux, `include/linux/task_io_accounting_ops.h`).
const BLOCK: u64 = 512;
/// Workers and kernel may differ by this part of the kernel's sum before it is said (issue 2: "within 1 %").
const TOLERANCE: f64 = 0.01;
/// Nor is less than this worth a word: it is what starting a process costs, half of it before the first reading.
const NOT_WORTH_SAYING: Duration = Duration::from_millis(2);

impl Totals {
    /// Adds what one reaped process and its waited-for descendants used.
    pub(super) fn add(&mut self, usage: &libc::rusage) {
        self.user += time(usage.ru_utime);
        self.system += time(usage.ru_stime);
        self.voluntary_switches += count(usage.ru_nvcsw);
        self.involuntary_switches += count(usage.ru_nivcsw);
        self.minor_faults += count(usage.ru_minflt);
        self.major_faults += count(usage.ru_majflt);
        self.peak_rss = self.peak_rss.max(Bytes::from_kib(count(usage.ru_maxrss)));
        self.read_bytes = self.read_bytes + Bytes(count(usage.ru_inblock).saturating_mul(BLOCK));
        self.written_bytes = self.written_bytes + Bytes(count(usage.ru_oublock).saturating_mul(BLOCK));
    }

    /// The kernel counts what the first process was before its `exec`, a copy of us, as if it were the program's:
    /// a peak not above `held` is that copy's, and `largest` that was seen of any program is the better answer.
    pub(super) fn correct_peak(&mut self, held: Bytes, largest: Option<Bytes>) {
        if let Some(largest) = largest.filter(|largest| *largest > Bytes(0) && self.peak_rss <= held) {
            self.peak_rss = largest;
        }
    }

    /// What is to be said when the workers' time on a core, summed, is not what the kernel accounted. Of what is
    /// missing, up to `helpers` is of a launch, whose helpers nobody need have seen.
    pub(super) fn disagreement(&self, workers: Duration, helpers: Duration) -> Option<Notice> {
        let kernel = self.cpu();
        let workers = workers.max(kernel.min(workers + helpers));
        let off = kernel.abs_diff(workers);
        if off <= NOT_WORTH_SAYING || off <= kernel.mul_f64(TOLERANCE) {
            None
        } else if workers < kernel {
            Some(Notice::UnseenWorkers { on_cpu: off })
        } else {
            Some(Notice::TotalsDisagree { workers, kernel })
        }
    }
}

fn time(value: libc::timeval) -> Duration {
    Duration::from_secs(count(value.tv_sec)) + Duration::from_micros(count(value.tv_usec))
}

/// The kernel counts these upwards from zero; they are signed by history only.
fn count(value: i64) -> u64 {
    value.max(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_that_is_only_our_copy_gives_way_to_what_was_seen() {
        for (peak, seen, corrected) in [(5, Some(2), 2), (5, None, 5), (5, Some(0), 5), (9, Some(8), 9)] {
            let mut totals = Totals { peak_rss: Bytes(peak), ..Totals::default() };
            totals.correct_peak(Bytes(6), seen.map(Bytes));
            assert_eq!(totals.peak_rss, Bytes(corrected));
        }
    }

    fn check(kernel_ms: u64, workers_ms: u64, said: Option<&str>) {
        let totals = Totals { user: Duration::from_millis(kernel_ms), ..Totals::default() };
        let notice = totals.disagreement(Duration::from_millis(workers_ms), Duration::ZERO);
        assert_eq!(notice.map(|notice| notice.code()), said, "kernel {kernel_ms} ms, workers {workers_ms} ms");
    }

    #[test]
    fn one_per_cent_or_two_milliseconds_are_agreement() {
        check(1000, 990, None);
        check(1000, 1010, None);
        check(3, 1, None);
    }

    #[test]
    fn less_than_the_kernel_means_workers_that_nobody_saw() {
        check(1000, 985, Some("unseen-workers"));
        check(30, 0, Some("unseen-workers"));
    }

    #[test]
    fn a_launch_explains_what_is_missing_and_never_adds_to_what_is_there() {
        let said = |workers, helpers| {
            let totals = Totals { user: Duration::from_secs(1), ..Totals::default() };
            let notice = totals.disagreement(Duration::from_millis(workers), Duration::from_millis(helpers));
            notice.map(|notice| notice.code())
        };
        assert_eq!(said(900, 100), None);
        assert_eq!(said(990, 100), None);
        assert_eq!(said(800, 100), Some("unseen-workers"));
        assert_eq!(said(1100, 100), Some("totals-disagree"));
    }

    #[test]
    fn more_than_the_kernel_means_workers_that_were_not_reaped() {
        check(1000, 1015, Some("totals-disagree"));
        check(0, 500, Some("totals-disagree"));
    }
}
