//! What is read of a process seldom, or apart from its workers: what it runs, what is resident, what it moved.

use super::super::memory::Resident;
use super::super::probe::{Failure, ProcPath};
use super::super::readings::{field, field_kib};
use super::super::round::{Hidden, Round};
use super::LiveProcess;
use crate::units::Bytes;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

/// The part of a command line that is kept.
const COMMAND_LINE: u64 = 4096;

impl LiveProcess {
    /// What is resident; all of it as its own where the kernel does not tell it apart.
    pub(super) fn read_resident(&self, pages: u64) -> Resident {
        let page = procfs::page_size();
        let mut buffer = [0; 128];
        let statm = ProcPath::process(self.record.pid, "statm").read(&mut buffer).ok();
        let told = statm.and_then(|statm| Resident::parse(statm, page)).filter(|told| told.all() > Bytes(0));
        told.unwrap_or(Resident { anonymous: Bytes(pages.saturating_mul(page)), ..Resident::default() })
    }

    /// What is read now and then.
    pub(super) fn detail(&mut self, round: &mut Round) {
        self.cadence.done(round.at);
        self.identify();
        self.record.has_epoll = self.record.has_epoll || self.descriptors.any_epoll();
        self.note_io(round);
        if let Some(peak) = self.peak().filter(|peak| *peak > self.peak_before) {
            self.memory.see_peak(peak);
        }
    }

    /// The highest resident set that the kernel remembers.
    pub(super) fn peak(&self) -> Option<Bytes> {
        let mut buffer = [0; 4096];
        let status = ProcPath::process(self.record.pid, "status").read(&mut buffer).ok()?;
        field_kib(status, b"VmHWM:")
    }

    /// What it runs. One that has ended no longer says, so what was last seen stands.
    pub(super) fn identify(&mut self) {
        if let Ok(executable) = std::fs::read_link(ProcPath::process(self.record.pid, "exe")) {
            self.record.executable = Some(executable);
        }
        let mut words = Vec::new();
        let read = File::open(ProcPath::process(self.record.pid, "cmdline"))
            .and_then(|file| file.take(COMMAND_LINE).read_to_end(&mut words));
        if read.is_ok() && !words.is_empty() {
            let words = words.strip_suffix(b"\0").unwrap_or(&words);
            self.record.argv = words.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
        }
    }

    /// Its block-device bytes, or the word that they are hidden.
    pub(super) fn note_io(&mut self, round: &mut Round) {
        if let Err(Failure::Unreadable(why)) = self.read_io() {
            round.missing.note(Hidden::Io, ProcPath::process(self.record.pid, "io").as_ref(), &why);
        }
    }

    /// Its block-device bytes.
    ///
    /// # Errors
    /// When it is gone, or they are hidden.
    pub(super) fn read_io(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 512];
        let io = ProcPath::process(self.record.pid, "io").read(&mut buffer)?;
        let bytes = |name| field(io, name).map_or(Bytes::default(), Bytes);
        self.record.read_bytes = bytes(b"read_bytes:") - self.inherited.0;
        self.record.written_bytes = bytes(b"write_bytes:") - self.inherited.1;
        Ok(())
    }
}
