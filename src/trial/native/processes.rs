//! `processes`: forked children, each with a socket over which it is handed one chunk of tasks at a time.
//!
//! Arguments and results really cross the socket, as they would be pickled across in Python: moving them is most of
//! what this model costs.

use super::demand::{Answer, Wait, Work, hold};
use super::executors::{Executor, Ledger};
use crate::sys::fork::{Child, fork};
use crate::trial::runner::wire::{Trial, Trouble};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A pool of children.
pub struct Processes {
    chunk: u64,
    children: Vec<(Child, UnixStream)>,
    argument: Vec<u8>,
}

impl Processes {
    /// Returns when every child has its memory and has said so.
    pub fn start(trial: &Trial, work: Work) -> Result<Self, Trouble> {
        if let Some(method) = trial.start_method.as_deref().filter(|method| *method != "fork") {
            return Err(Trouble {
                error: Trouble::NOT_APPLICABLE.to_owned(),
                message: format!("start method {method} is Python's; a native worker process is forked"),
            });
        }
        let argument = vec![1; work.argument];
        let mut pool = Self { chunk: trial.chunk_size as u64, children: Vec::new(), argument };
        let memory = trial.demand.memory_bytes;
        for _ in 0..trial.workers {
            let (ours, theirs) = UnixStream::pair()?;
            // The child also inherits our ends of its elder siblings' sockets: they are shut down at the end, not
            // merely closed, so that this keeps nobody waiting.
            let child = fork(|| i32::from(work_off(&theirs, memory, work.argument).is_err()))?;
            pool.children.push((child, ours));
        }
        for (_, socket) in &pool.children {
            read_word(socket)?;
        }
        Ok(pool)
    }

    /// Hands the next chunk to one child; where that chunk ends.
    fn hand_over(&self, child: usize, work: Work, first: u64, tasks: u64) -> io::Result<u64> {
        let end = (first + self.chunk).min(tasks);
        let mut message = Vec::with_capacity(8 * HEADER + (end - first) as usize * self.argument.len());
        for word in header(work, first, end) {
            message.extend_from_slice(&word.to_le_bytes());
        }
        for _ in first..end {
            message.extend_from_slice(&self.argument);
        }
        (&self.children[child].1).write_all(&message)?;
        Ok(end)
    }

    /// Children with something to say.
    fn ready(&self, busy: &[u64]) -> io::Result<Vec<usize>> {
        let waiting: Vec<usize> = (0..busy.len()).filter(|child| busy[*child] > 0).collect();
        let mut fds: Vec<PollFd> =
            waiting.iter().map(|child| PollFd::new(self.children[*child].1.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut fds, PollTimeout::NONE)?;
        Ok(waiting.iter().zip(&fds).filter(|(_, fd)| fd.any() != Some(false)).map(|(child, _)| *child).collect())
    }
}

impl Executor for Processes {
    fn run(&mut self, work: Work, tasks: u64, ledger: &mut Ledger) -> Result<(), Trouble> {
        // How many tasks each child has. One chunk at a time: a child that writes results never meets us writing.
        let mut busy = vec![0; self.children.len()];
        let mut first = 0;
        for (child, busy) in busy.iter_mut().enumerate() {
            let end = if first < tasks { self.hand_over(child, work, first, tasks)? } else { first };
            *busy = end - first;
            first = end;
        }
        while busy.iter().any(|tasks| *tasks > 0) {
            for child in self.ready(&busy)? {
                let answers = read_answers(&self.children[child].1, busy[child], work.result)?;
                let end = if first < tasks { self.hand_over(child, work, first, tasks)? } else { first };
                busy[child] = end - first;
                first = end;
                answers.iter().try_for_each(|answer| ledger.take(answer))?;
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, socket) in &self.children {
            let _ = socket.shutdown(Shutdown::Both);
        }
        for (child, _) in self.children.drain(..) {
            // One that ended badly has lost its tasks, which were missed already.
            let _ = child.wait();
        }
    }
}

/// A child's life: until its socket is shut down.
fn work_off(mut socket: &UnixStream, memory: u64, argument: usize) -> io::Result<()> {
    let _held = hold(memory, 1);
    socket.write_all(&0_u64.to_le_bytes())?;
    loop {
        let mut words = [0; HEADER];
        for word in &mut words {
            *word = read_word(socket)?;
        }
        let (work, first, end) = from_header(words, argument);
        let mut arguments = vec![0; (end - first) as usize * argument];
        socket.read_exact(&mut arguments)?;
        let mut message = Vec::new();
        for answer in (first..end).map(|index| work.run(index)) {
            message.extend_from_slice(&answer.index.to_le_bytes());
            message.extend_from_slice(&answer.checksum.to_le_bytes());
            message.extend_from_slice(&answer.result);
        }
        socket.write_all(&message)?;
    }
}

fn read_answers(mut socket: &UnixStream, count: u64, result: usize) -> io::Result<Vec<Answer>> {
    (0..count)
        .map(|_| {
            let (index, checksum) = (read_word(socket)?, read_word(socket)?);
            let mut result = vec![0; result];
            socket.read_exact(&mut result)?;
            Ok(Answer { index, checksum, result })
        })
        .collect()
}

fn read_word(mut socket: &UnixStream) -> io::Result<u64> {
    let mut word = [0; 8];
    socket.read_exact(&mut word).map_err(|error| io::Error::other(format!("a worker process is gone: {error}")))?;
    Ok(u64::from_le_bytes(word))
}

/// Words before a chunk's arguments.
const HEADER: usize = 8;

const fn header(work: Work, first: u64, end: u64) -> [u64; HEADER] {
    let Work { iterations, wait, disk, result, argument: _ } = work;
    let (wait_ns, disk_ns) = (wait.time.as_nanos() as u64, disk.time.as_nanos() as u64);
    [first, end, iterations, wait_ns, wait.every, disk_ns, disk.every, result as u64]
}

const fn from_header(words: [u64; HEADER], argument: usize) -> (Work, u64, u64) {
    let [first, end, iterations, wait_ns, wait_every, disk_ns, disk_every, result] = words;
    let wait = Wait { time: Duration::from_nanos(wait_ns), every: wait_every };
    let disk = Wait { time: Duration::from_nanos(disk_ns), every: disk_every };
    (Work { iterations, wait, disk, argument, result: result as usize }, first, end)
}
