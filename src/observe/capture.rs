//! The standard streams of a captured run: input fed and output drained without either side ever waiting for us, and
//! without growing past a bound.

use super::Output;
use crate::sys::ready::Until;
use crate::sys::spawn::Streams;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes kept of each output stream; what comes after is read and dropped, so that the run is not held up.
const KEPT: usize = 8 << 20;
/// Bytes read of one stream per wake, so that a stream that never pauses does not keep the sampler waiting.
const PER_WAKE: usize = 1 << 20;

/// Our ends of a captured run's standard streams.
pub(super) struct Capture {
    stdin: Option<PipeWriter>,
    input: Vec<u8>,
    written: usize,
    stdout: Drain,
    stderr: Drain,
}

/// One output stream.
struct Drain {
    pipe: Option<PipeReader>,
    kept: Vec<u8>,
}

/// What can be waited for, in the order of [`Capture::waits`].
pub(super) type Waits<'a> = [Option<(BorrowedFd<'a>, Until)>; 3];

impl Capture {
    /// Our ends, and the run's.
    pub(super) fn new(input: Vec<u8>) -> io::Result<(Self, Streams)> {
        let (stdin, to_stdin) = io::pipe()?;
        let (from_stdout, stdout) = io::pipe()?;
        let (from_stderr, stderr) = io::pipe()?;
        let never_wait = |fd: BorrowedFd<'_>| fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        for fd in [to_stdin.as_fd(), from_stdout.as_fd(), from_stderr.as_fd()] {
            never_wait(fd)?;
        }
        let drain = |pipe| Drain { pipe: Some(pipe), kept: Vec::new() };
        let capture =
            Self { stdin: Some(to_stdin), input, written: 0, stdout: drain(from_stdout), stderr: drain(from_stderr) };
        Ok((capture, Streams { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() }))
    }

    /// What there is left to wait for.
    pub(super) fn waits(&self) -> Waits<'_> {
        let stdin = self.stdin.as_ref().map(|pipe| (pipe.as_fd(), Until::Writable));
        [stdin, self.stdout.waits(), self.stderr.waits()]
    }

    /// Feeds and drains what is ready, in the order of [`Capture::waits`].
    pub(super) fn pump(&mut self, [stdin, stdout, stderr]: [bool; 3]) {
        if stdin {
            self.feed();
        }
        if stdout {
            self.stdout.take(PER_WAKE);
        }
        if stderr {
            self.stderr.take(PER_WAKE);
        }
    }

    fn feed(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        while let Some(rest) = self.input.get(self.written..).filter(|rest| !rest.is_empty()) {
            match pipe.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Nobody reads it any more: the run's own affair.
                Err(_) => break,
            }
        }
        // All is written, so its reader is to see the end.
        self.stdin = None;
    }

    /// What was printed; takes what is still in the pipes once the run has ended.
    pub(super) fn into_output(mut self) -> Output {
        // A pipe holds far less than that (pipe(7)); a process that escaped and still prints is not waited for.
        self.stdout.take(PER_WAKE);
        self.stderr.take(PER_WAKE);
        Output { stdout: self.stdout.kept, stderr: self.stderr.kept }
    }
}

impl Drain {
    fn waits(&self) -> Option<(BorrowedFd<'_>, Until)> {
        self.pipe.as_ref().map(|pipe| (pipe.as_fd(), Until::Readable))
    }

    /// Reads until nothing is there, the end, or `most` bytes.
    fn take(&mut self, most: usize) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; 64 << 10];
        let mut taken = 0;
        while taken < most {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    taken += count;
                    let room = KEPT - self.kept.len();
                    self.kept.extend(buffer.iter().take(count.min(room)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => break,
            }
        }
        if taken < most {
            self.pipe = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn more_than_the_bound_is_drained_and_dropped() -> io::Result<()> {
        let (mut capture, streams) = Capture::new(Vec::new())?;
        let mut printer = File::from(streams.stdout);
        let printing = std::thread::spawn(move || printer.write_all(&vec![b'x'; KEPT + 3 * PER_WAKE]));
        while !printing.is_finished() {
            capture.pump([false, true, false]);
        }
        assert!(printing.join().is_ok_and(|written| written.is_ok()));
        let output = capture.into_output();
        assert_eq!(output.stdout.len(), KEPT);
        Ok(())
    }

    #[test]
    fn input_that_nobody_reads_is_given_up() -> io::Result<()> {
        let (mut capture, streams) = Capture::new(vec![0; 1 << 20])?;
        capture.pump([true, false, false]);
        assert!(capture.waits()[0].is_some(), "the pipe is full and its reader is there");
        drop(streams);
        capture.pump([true, false, false]);
        assert!(capture.waits()[0].is_none());
        Ok(())
    }
}
