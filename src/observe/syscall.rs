//! Which system call a worker is in, from `/proc/PID/task/TID/syscall`, and what that call waits for. Pure.
//!
//! The numbers are the C library's names for the architecture we are built for; a 32-bit program on a 64-bit kernel
//! counts differently and cannot be told apart here. Looking up the descriptors is `blocked`'s.

use super::kind::BlockedKind;
use super::readings::{number, words};
use nix::libc;

/// What `syscall` says of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// On a core, or waiting for one.
    Running,
    /// Blocked, but not in a system call: a page fault, or it has ended.
    Outside,
    /// Blocked in this call.
    Inside(Call),
}

/// A system call: its number and its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// By the architecture's table.
    pub number: i64,
    /// As registers held them.
    pub arguments: [u64; 6],
}

impl Whereabouts {
    /// `None` when the text is neither `running` nor a number with its arguments.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = words(bytes);
        let first = words.next()?;
        match first {
            b"running" => return Some(Self::Running),
            b"-1" => return Some(Self::Outside),
            _ => {}
        }
        let mut call = Call { number: i64::try_from(number(first)?).ok()?, arguments: [0; 6] };
        for argument in &mut call.arguments {
            *argument = hexadecimal(words.next()?)?;
        }
        Some(Self::Inside(call))
    }

    /// The address of the futex that it waits for.
    pub fn futex(&self) -> Option<u64> {
        match self {
            Self::Inside(Call { number: libc::SYS_futex, arguments: [address, ..] }) => Some(*address),
            _ => None,
        }
    }

    /// How many things it waits on at once; `None` when it is not blocked, or its call does not tell.
    pub fn breadth(&self) -> Option<Breadth> {
        match self {
            Self::Running => None,
            Self::Outside => Some(Breadth::One),
            Self::Inside(call) => call.wait().breadth(),
        }
    }
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    let digits = word.strip_prefix(b"0x")?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What a call waits for, as far as its number and arguments tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// This, without looking further.
    For(BlockedKind),
    /// Whatever this descriptor is.
    On(i32),
    /// Something to read from this descriptor.
    Input(i32),
    /// Something to move from one descriptor to another.
    Move {
        /// Where it comes from.
        from: i32,
        /// Where it goes.
        to: i32,
    },
    /// The address space: its lock, or the pages that are to be in it.
    Memory,
    /// A path being looked up or opened: a disk, unless it names a FIFO.
    Path,
    /// The descriptors registered with this epoll.
    Epoll {
        /// The epoll's own descriptor.
        epoll: i32,
        /// Whether it has a time limit.
        bounded: bool,
    },
    /// The descriptors of an array of `struct pollfd` in the worker's memory.
    Poll {
        /// Where it lies.
        array: u64,
        /// How many.
        count: u64,
        /// Whether it has a time limit.
        bounded: bool,
    },
    /// The descriptors in up to three `fd_set`s in the worker's memory.
    Select {
        /// Where they lie; 0 for none.
        sets: [u64; 3],
        /// One more than the highest descriptor in them.
        count: u64,
        /// Whether it has a time limit.
        bounded: bool,
    },
    /// A signal: a child's end, for one who has children.
    Signal {
        /// Whether it has a time limit.
        bounded: bool,
    },
    /// Completions of this io_uring.
    Ring(i32),
    /// Nothing that the number tells.
    Unknown,
}

/// How many things a call waits on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// One, or a time.
    One,
    /// Several, named in the call.
    Several,
    /// Those registered with an epoll.
    Epoll,
}

impl Wait {
    /// `None` where the call does not tell.
    const fn breadth(self) -> Option<Breadth> {
        match self {
            Self::Epoll { .. } => Some(Breadth::Epoll),
            Self::Poll { count: 2.., .. } => Some(Breadth::Several),
            // Without any descriptor it is an older way to sleep.
            Self::Select { count: 1.., .. } | Self::Ring(_) => None,
            _ => Some(Breadth::One),
        }
    }
}

impl Call {
    /// What it waits for.
    pub fn wait(&self) -> Wait {
        use BlockedKind::{Child, Disk, Idle, Lock, Pipe, Timer};
        let [a0, a1, a2, a3, a4, _] = self.arguments;
        let descriptor = a0 as i32;
        if let Some(wait) = self.legacy_wait() {
            return wait;
        }
        match self.number {
            libc::SYS_read | libc::SYS_readv | libc::SYS_pread64 | libc::SYS_preadv | libc::SYS_preadv2 => {
                Wait::Input(descriptor)
            }
            libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_recvmmsg => Wait::Input(descriptor),
            libc::SYS_write | libc::SYS_writev | libc::SYS_pwrite64 | libc::SYS_pwritev | libc::SYS_pwritev2 => {
                Wait::On(descriptor)
            }
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => Wait::On(descriptor),
            libc::SYS_accept | libc::SYS_accept4 => Wait::For(Idle),
            libc::SYS_connect | libc::SYS_shutdown | libc::SYS_vmsplice => Wait::On(descriptor),
            libc::SYS_splice | libc::SYS_copy_file_range => Wait::Move { from: descriptor, to: a2 as i32 },
            libc::SYS_tee => Wait::Move { from: descriptor, to: a1 as i32 },
            libc::SYS_sendfile => Wait::Move { from: a1 as i32, to: descriptor },
            libc::SYS_ioctl | libc::SYS_close | libc::SYS_lseek | libc::SYS_fstat | libc::SYS_getdents64 => {
                Wait::On(descriptor)
            }
            libc::SYS_fcntl if matches!(a1 as i32, libc::F_SETLKW | libc::F_OFD_SETLKW) => Wait::For(Lock),
            libc::SYS_fcntl => Wait::On(descriptor),
            libc::SYS_flock | libc::SYS_futex | libc::SYS_futex_waitv | libc::SYS_semop | libc::SYS_semtimedop => {
                Wait::For(Lock)
            }
            libc::SYS_mmap | libc::SYS_munmap | libc::SYS_mprotect | libc::SYS_mremap | libc::SYS_brk => Wait::Memory,
            libc::SYS_madvise | libc::SYS_mlock | libc::SYS_mlock2 | libc::SYS_mlockall => Wait::Memory,
            libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_sync | libc::SYS_syncfs | libc::SYS_sync_file_range => {
                Wait::For(Disk)
            }
            libc::SYS_msync | libc::SYS_fallocate | libc::SYS_ftruncate | libc::SYS_truncate | libc::SYS_readahead => {
                Wait::For(Disk)
            }
            libc::SYS_io_getevents | libc::SYS_io_submit | libc::SYS_execve | libc::SYS_execveat => Wait::For(Disk),
            libc::SYS_openat | libc::SYS_openat2 => Wait::Path,
            libc::SYS_newfstatat | libc::SYS_statx | libc::SYS_statfs | libc::SYS_faccessat => Wait::For(Disk),
            libc::SYS_unlinkat | libc::SYS_renameat | libc::SYS_renameat2 | libc::SYS_mkdirat | libc::SYS_linkat => {
                Wait::For(Disk)
            }
            libc::SYS_nanosleep | libc::SYS_clock_nanosleep => Wait::For(Timer),
            libc::SYS_wait4 | libc::SYS_waitid => Wait::For(Child),
            // Blocked in making a child only when it is a vfork: until the child has become another program.
            libc::SYS_clone | libc::SYS_clone3 => Wait::For(Child),
            libc::SYS_msgrcv | libc::SYS_msgsnd | libc::SYS_mq_timedreceive | libc::SYS_mq_timedsend => Wait::For(Pipe),
            libc::SYS_epoll_pwait => Wait::Epoll { epoll: descriptor, bounded: a3 as i32 >= 0 },
            libc::SYS_epoll_pwait2 => Wait::Epoll { epoll: descriptor, bounded: a3 != 0 },
            libc::SYS_ppoll => Wait::Poll { array: a0, count: a1, bounded: a2 != 0 },
            libc::SYS_pselect6 => Wait::Select { sets: [a1, a2, a3], count: a0, bounded: a4 != 0 },
            libc::SYS_rt_sigtimedwait => Wait::Signal { bounded: a2 != 0 },
            libc::SYS_rt_sigsuspend => Wait::Signal { bounded: false },
            libc::SYS_io_uring_enter => Wait::Ring(descriptor),
            _ => Wait::Unknown,
        }
    }

    /// Calls that only the older tables have.
    #[cfg(target_arch = "x86_64")]
    fn legacy_wait(&self) -> Option<Wait> {
        let [a0, a1, a2, a3, a4, _] = self.arguments;
        Some(match self.number {
            libc::SYS_open | libc::SYS_creat => Wait::Path,
            libc::SYS_stat | libc::SYS_lstat | libc::SYS_access | libc::SYS_readlink => Wait::For(BlockedKind::Disk),
            libc::SYS_unlink | libc::SYS_rename | libc::SYS_mkdir | libc::SYS_rmdir | libc::SYS_link => {
                Wait::For(BlockedKind::Disk)
            }
            libc::SYS_getdents => Wait::On(a0 as i32),
            libc::SYS_epoll_wait => Wait::Epoll { epoll: a0 as i32, bounded: a3 as i32 >= 0 },
            libc::SYS_poll => Wait::Poll { array: a0, count: a1, bounded: a2 as i32 >= 0 },
            libc::SYS_select => Wait::Select { sets: [a1, a2, a3], count: a0, bounded: a4 != 0 },
            libc::SYS_pause => Wait::Signal { bounded: false },
            libc::SYS_vfork => Wait::For(BlockedKind::Child),
            _ => return None,
        })
    }

    /// Calls that only the older tables have: none here.
    #[cfg(not(target_arch = "x86_64"))]
    fn legacy_wait(&self) -> Option<Wait> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_the_file_are_told_apart() {
        let check = |text: &str, expect: Option<Whereabouts>| {
            assert_eq!(Whereabouts::parse(text.as_bytes()), expect, "{text}");
        };
        check("running\n", Some(Whereabouts::Running));
        check("-1 0x7ffd61fe9a78 0x7f5552f202ad\n", Some(Whereabouts::Outside));
        let call = Call { number: 35, arguments: [0x7ffd_61fe_9a78, 0, 0xffff_ffff, 0, 1, 2] };
        check(
            "35 0x7ffd61fe9a78 0x0 0xffffffff 0x0 0x1 0x2 0x7ffd61fe9a78 0x7f5552f202ad\n",
            Some(Whereabouts::Inside(call)),
        );
        for broken in ["", "35", "35 0x1 0x2", "x", "35 1 2 3 4 5 6"] {
            check(broken, None);
        }
    }

    #[test]
    fn a_call_tells_what_it_waits_for() {
        let check = |number: i64, arguments: [u64; 6], expect: Wait| {
            assert_eq!(Call { number, arguments }.wait(), expect, "call {number} {arguments:x?}");
        };
        let minus_one = u64::from(u32::MAX);
        check(libc::SYS_read, [3, 0, 0, 0, 0, 0], Wait::Input(3));
        check(libc::SYS_write, [3, 0, 0, 0, 0, 0], Wait::On(3));
        check(libc::SYS_accept4, [3, 0, 0, 0, 0, 0], Wait::For(BlockedKind::Idle));
        check(libc::SYS_sendfile, [4, 3, 0, 0, 0, 0], Wait::Move { from: 3, to: 4 });
        check(libc::SYS_splice, [3, 0, 4, 0, 0, 0], Wait::Move { from: 3, to: 4 });
        check(libc::SYS_mmap, [0; 6], Wait::Memory);
        check(libc::SYS_futex, [0; 6], Wait::For(BlockedKind::Lock));
        check(libc::SYS_wait4, [minus_one, 0, 0, 0, 0, 0], Wait::For(BlockedKind::Child));
        check(libc::SYS_clock_nanosleep, [0; 6], Wait::For(BlockedKind::Timer));
        check(libc::SYS_fcntl, [5, libc::F_SETLKW as u64, 0, 0, 0, 0], Wait::For(BlockedKind::Lock));
        check(libc::SYS_fcntl, [5, libc::F_GETFL as u64, 0, 0, 0, 0], Wait::On(5));
        check(libc::SYS_fsync, [4, 0, 0, 0, 0, 0], Wait::For(BlockedKind::Disk));
        check(libc::SYS_epoll_pwait, [4, 1, 9, minus_one, 0, 0], Wait::Epoll { epoll: 4, bounded: false });
        check(libc::SYS_epoll_pwait, [4, 1, 9, 250, 0, 0], Wait::Epoll { epoll: 4, bounded: true });
        check(libc::SYS_ppoll, [64, 2, 0, 0, 0, 0], Wait::Poll { array: 64, count: 2, bounded: false });
        check(libc::SYS_pselect6, [8, 64, 0, 0, 128, 0], Wait::Select { sets: [64, 0, 0], count: 8, bounded: true });
        check(libc::SYS_rt_sigsuspend, [0; 6], Wait::Signal { bounded: false });
        check(libc::SYS_getpid, [0; 6], Wait::Unknown);
    }

    #[test]
    fn an_event_loop_s_wait_is_told_from_a_wait_for_one_thing() {
        let check = |number: i64, arguments: [u64; 6], expect: Option<Breadth>| {
            let call = Whereabouts::Inside(Call { number, arguments });
            assert_eq!(call.breadth(), expect, "call {number} {arguments:x?}");
        };
        check(libc::SYS_epoll_pwait, [4, 1, 9, 250, 0, 0], Some(Breadth::Epoll));
        check(libc::SYS_ppoll, [64, 2, 0, 0, 0, 0], Some(Breadth::Several));
        check(libc::SYS_ppoll, [64, 1, 0, 0, 0, 0], Some(Breadth::One));
        check(libc::SYS_recvfrom, [3, 0, 0, 0, 0, 0], Some(Breadth::One));
        check(libc::SYS_pselect6, [0, 0, 0, 0, 128, 0], Some(Breadth::One));
        check(libc::SYS_pselect6, [8, 64, 0, 0, 128, 0], None);
        check(libc::SYS_io_uring_enter, [5, 0, 0, 0, 0, 0], None);
        assert_eq!(Whereabouts::Running.breadth(), None);
        assert_eq!(Whereabouts::Outside.breadth(), Some(Breadth::One));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_calls_of_the_older_table_are_known_too() {
        let wait = |number, arguments| Call { number, arguments }.wait();
        let minus_one = u64::from(u32::MAX);
        assert_eq!(
            wait(libc::SYS_poll, [64, 1, minus_one, 0, 0, 0]),
            Wait::Poll { array: 64, count: 1, bounded: false }
        );
        assert_eq!(wait(libc::SYS_epoll_wait, [4, 1, 9, 0, 0, 0]), Wait::Epoll { epoll: 4, bounded: true });
        assert_eq!(wait(libc::SYS_open, [0; 6]), Wait::Path);
        assert_eq!(wait(libc::SYS_pause, [0; 6]), Wait::Signal { bounded: false });
    }
}
