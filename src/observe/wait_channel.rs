//! The kernel function a worker sleeps in, and the kind of blocking its name stands for: second to the system call,
//! because names change between kernels and may be hidden.

use super::kind::BlockedKind;
use super::probe::ProcPath;

/// What the function that a worker sleeps in stands for; `None` when it is hidden or tells nothing.
pub fn sleeps_for(pid: i32, tid: i32) -> Option<BlockedKind> {
    let mut buffer = [0; 64];
    kind_of_function(ProcPath::worker(pid, tid, "wchan").read(&mut buffer).ok()?)
}

/// The kind that the name of a sleeping kernel function stands for: names of Linux 4 to 6, by what they begin with.
fn kind_of_function(function: &[u8]) -> Option<BlockedKind> {
    const NAMES: [(&[u8], BlockedKind); 50] = [
        (b"futex_", BlockedKind::Lock),
        (b"do_futex", BlockedKind::Lock),
        (b"flock_lock_inode", BlockedKind::Lock),
        (b"fcntl_setlk", BlockedKind::Lock),
        (b"locks_lock_inode", BlockedKind::Lock),
        (b"do_semtimedop", BlockedKind::Lock),
        (b"rwsem_down", BlockedKind::Lock),
        (b"hrtimer_nanosleep", BlockedKind::Timer),
        (b"do_nanosleep", BlockedKind::Timer),
        (b"common_nsleep", BlockedKind::Timer),
        (b"timerfd_read", BlockedKind::Timer),
        (b"do_wait", BlockedKind::Child),
        (b"kernel_wait4", BlockedKind::Child),
        (b"kernel_clone", BlockedKind::Child),
        (b"wait_for_vfork_done", BlockedKind::Child),
        (b"pipe_", BlockedKind::Pipe),
        (b"anon_pipe_", BlockedKind::Pipe),
        (b"wait_for_partner", BlockedKind::Pipe),
        (b"fifo_open", BlockedKind::Pipe),
        (b"n_tty_", BlockedKind::Pipe),
        (b"tty_", BlockedKind::Pipe),
        (b"eventfd_", BlockedKind::Pipe),
        (b"wq_sleep", BlockedKind::Pipe),
        (b"do_msg", BlockedKind::Pipe),
        (b"inet_csk_accept", BlockedKind::Idle),
        (b"inet_", BlockedKind::Network),
        (b"tcp_", BlockedKind::Network),
        (b"udp_", BlockedKind::Network),
        (b"unix_", BlockedKind::Network),
        (b"sk_", BlockedKind::Network),
        (b"sock_", BlockedKind::Network),
        (b"__skb_", BlockedKind::Network),
        (b"skb_", BlockedKind::Network),
        (b"wait_woken", BlockedKind::Network),
        (b"ep_poll", BlockedKind::Network),
        (b"do_epoll_wait", BlockedKind::Network),
        (b"filemap_fault", BlockedKind::PageFault),
        (b"__folio_lock_or_retry", BlockedKind::PageFault),
        (b"do_swap_page", BlockedKind::PageFault),
        (b"io_schedule", BlockedKind::Disk),
        (b"folio_wait", BlockedKind::Disk),
        (b"wait_on_page", BlockedKind::Disk),
        (b"blk_", BlockedKind::Disk),
        (b"submit_bio_wait", BlockedKind::Disk),
        (b"jbd2_", BlockedKind::Disk),
        (b"xfs_", BlockedKind::Disk),
        (b"ext4_", BlockedKind::Disk),
        (b"iomap_dio_rw", BlockedKind::Disk),
        (b"rpc_wait_bit", BlockedKind::Disk),
        (b"request_wait_answer", BlockedKind::Disk),
    ];
    NAMES.iter().find(|(start, _)| function.starts_with(start)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_function_stands_for_a_kind() {
        let check = |function: &str, expect: Option<BlockedKind>| {
            assert_eq!(kind_of_function(function.as_bytes()), expect, "{function}");
        };
        check("futex_wait_queue", Some(BlockedKind::Lock));
        check("hrtimer_nanosleep", Some(BlockedKind::Timer));
        check("do_wait", Some(BlockedKind::Child));
        check("anon_pipe_read", Some(BlockedKind::Pipe));
        check("inet_csk_accept", Some(BlockedKind::Idle));
        check("inet_wait_for_connect", Some(BlockedKind::Network));
        check("folio_wait_bit_common", Some(BlockedKind::Disk));
        for unknown in ["0", "", "do_sigtimedwait", "do_poll"] {
            check(unknown, None);
        }
    }
}
