//! Observations drawn as text, for tests: one line per worker, one character per 10 ms.
//!
//! ```text
//! python3/main: ##(l)x20        process/thread; the first process is everyone's parent
//! python3/a:    ..(#rll)x5      groups repeat; blanks between cells do not count
//! ```
//!
//! `#` on-CPU, `r` runnable, `d` disk, `n` network, `t` timer, `l` lock, `g` GIL, `p` pipe, `c` child, `o` other,
//! `.` not alive. A line without a `/` is a thread of a native process called `app`.

use crate::observe::kind::BlockedKind;
use crate::observe::timeline::{Bucket, Timeline};
use crate::observe::{Exit, Observation, Process, Worker};
use crate::units::Bytes;
use std::time::Duration;

/// What one character stands for.
pub(crate) const CELL: Duration = Duration::from_millis(10);

/// The observation that the drawing shows, complete and with kernel totals that agree.
pub(crate) fn draw(drawing: &str) -> Observation {
    let lines: Vec<(String, String, Vec<char>)> =
        drawing.lines().filter(|line| !line.trim().is_empty()).map(line).collect();
    let columns = lines.iter().map(|(.., cells)| cells.len()).max().unwrap_or(0);
    let mut observation = Observation {
        complete: true,
        wall: CELL * u32::try_from(columns).expect("a drawing is short"),
        exit: Some(Exit::Code(0)),
        timeline: Timeline { bucket: CELL, buckets: vec![Bucket { span: CELL, ..Bucket::default() }; columns] },
        peak_memory: Bytes::from_kib(20 << 10),
        ..Observation::default()
    };
    observation.sampling.ticks = columns as u64;
    for (process, thread, cells) in lines {
        let pid = process_id(&mut observation, &process);
        let first = !observation.workers.iter().any(|worker| worker.pid == pid);
        let tid = if first { pid } else { pid + i32::try_from(observation.workers.len()).expect("few workers") };
        let parent = observation.processes.iter().find(|process| process.pid == pid).map_or(1, |p| p.parent);
        let mut worker = Worker { pid, tid, parent, name: thread, voluntary_switches: Some(0), ..Worker::default() };
        fill(&mut worker, &cells, &mut observation.timeline.buckets);
        observation.totals.user += worker.on_cpu;
        observation.totals.voluntary_switches += worker.voluntary_switches.unwrap_or(0);
        observation.workers.push(worker);
    }
    observation
}

fn fill(worker: &mut Worker, cells: &[char], buckets: &mut [Bucket]) {
    let alive = |cell: &char| *cell != '.';
    let born = cells.iter().position(alive).unwrap_or(0);
    let died = cells.iter().rposition(alive).map_or(born, |last| last + 1);
    worker.born = CELL * u32::try_from(born).expect("a drawing is short");
    worker.died = CELL * u32::try_from(died).expect("a drawing is short");
    let mut burst = Duration::ZERO;
    for (column, &cell) in cells.iter().enumerate().take(died).skip(born) {
        let bucket = &mut buckets[column];
        bucket.alive += CELL;
        match cell {
            '#' => {
                worker.on_cpu += CELL;
                bucket.on_cpu += CELL;
                burst += CELL;
                continue;
            }
            'r' => {
                worker.runnable += CELL;
                bucket.runnable += CELL;
            }
            blocked => {
                let kind = kind(blocked);
                worker.blocked_ticks[kind] += 1;
                bucket.blocked_ticks[kind] += 1;
                if column == born || matches!(cells[column - 1], '#' | 'r') {
                    worker.voluntary_switches = worker.voluntary_switches.map(|count| count + 1);
                }
            }
        }
        if !burst.is_zero() {
            worker.bursts.add(std::mem::take(&mut burst), 1);
        }
    }
}

fn kind(cell: char) -> BlockedKind {
    match cell {
        'd' => BlockedKind::Disk,
        'n' => BlockedKind::Network,
        't' => BlockedKind::Timer,
        'l' => BlockedKind::Lock,
        'g' => BlockedKind::Gil,
        'p' => BlockedKind::Pipe,
        'c' => BlockedKind::Child,
        'f' => BlockedKind::PageFault,
        'i' => BlockedKind::Idle,
        'o' => BlockedKind::Other,
        other => panic!("no cell is drawn as {other:?}"),
    }
}

fn process_id(observation: &mut Observation, name: &str) -> i32 {
    let executable = std::path::PathBuf::from(format!("/usr/bin/{name}"));
    if let Some(known) = observation.processes.iter().find(|p| p.executable.as_ref() == Some(&executable)) {
        return known.pid;
    }
    let pid = 100_000 * (1 + i32::try_from(observation.processes.len()).expect("few processes"));
    let parent = observation.processes.first().map_or(1, |root| root.pid);
    let peak_rss = Bytes::from_kib(20 << 10);
    observation.processes.push(Process { pid, parent, executable: Some(executable), peak_rss, ..Process::default() });
    pid
}

fn line(line: &str) -> (String, String, Vec<char>) {
    let (name, cells) = line.split_once(':').expect("a line reads `name: cells`");
    let (process, thread) = name.trim().split_once('/').unwrap_or(("app", name.trim()));
    (process.to_owned(), thread.to_owned(), expand(cells))
}

/// Writes groups out: `#(tt)x2` is `#tttt`.
fn expand(cells: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = cells.trim();
    while let Some((before, group)) = rest.split_once('(') {
        out.extend(before.chars());
        let (cells, after) = group.split_once(")x").expect("a group ends with `)x` and a count");
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let times: usize = after[..digits].parse().expect("a group's count is a number");
        out.extend(cells.repeat(times).chars());
        rest = &after[digits..];
    }
    out.extend(rest.chars());
    out.retain(|cell| !cell.is_whitespace());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_reads_as_the_times_it_shows() {
        let observation = draw("sh/main: #(c)x3\nsleep/main: .#rt");
        assert_eq!(observation.wall, CELL * 4);
        let sleep = &observation.workers[1];
        assert_eq!((sleep.born, sleep.lifetime(), sleep.on_cpu, sleep.runnable), (CELL, CELL * 3, CELL, CELL));
        assert_eq!(sleep.blocked_ticks[BlockedKind::Timer], 1);
        assert_eq!(sleep.parent, observation.workers[0].pid);
        assert_eq!(observation.timeline.buckets[1].alive, CELL * 2);
    }
}
