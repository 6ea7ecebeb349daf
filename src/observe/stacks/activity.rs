//! Which Python threads wait, for interpreters that do not say which task of the kernel a thread is: CPython before
//! 3.11 knows threads by the address of their `pthread` alone. That lies at the upper end of the thread's stack, and
//! the kernel says where in its stack a blocked task is.

use crate::observe::probe::ProcPath;
use std::os::unix::ffi::OsStrExt;

/// The default size of a thread's stack (`ulimit -s`, pthread_create(3)): a task further below belongs to another.
const STACK: u64 = 8 << 20;

/// Where the blocked tasks of a process are in their stacks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Blocked {
    /// Whether its first task is among them.
    first: bool,
    others: Vec<u64>,
}

impl Blocked {
    /// Reads it; nothing is blocked where the kernel does not tell.
    pub fn read(pid: i32) -> Self {
        let mut blocked = Self::default();
        let Ok(tasks) = std::fs::read_dir(ProcPath::process(pid, "task")) else { return blocked };
        for task in tasks.flatten() {
            let Some(tid) = std::str::from_utf8(task.file_name().as_bytes()).ok().and_then(|tid| tid.parse().ok())
            else {
                continue;
            };
            let mut buffer = [0; 256];
            let line = ProcPath::worker(pid, tid, "syscall").read(&mut buffer).ok();
            if let Some(stack) = line.and_then(stack_pointer) {
                if tid == pid { blocked.first = true } else { blocked.others.push(stack) }
            }
        }
        blocked
    }

    /// Of threads in the interpreter's order, which is the last born first, those that wait.
    pub fn waiting(&self, threads: &[u64]) -> Vec<bool> {
        let mut waiting = vec![false; threads.len()];
        if let Some(first) = waiting.last_mut() {
            *first = self.first;
        }
        for stack in &self.others {
            let above = threads.iter().enumerate().filter(|(_, thread)| **thread > *stack && **thread - stack < STACK);
            if let Some((owner, _)) = above.min_by_key(|(_, thread)| **thread) {
                waiting[owner] = true;
            }
        }
        waiting
    }
}

/// The stack pointer in `/proc/PID/task/TID/syscall` (proc_pid_syscall(5)); `None` of a task that runs.
fn stack_pointer(line: &[u8]) -> Option<u64> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace().rev();
    let (_counter, stack) = (words.next()?, words.next()?);
    u64::from_str_radix(stack.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_where_in_its_stack_a_blocked_task_is() {
        let select = b"270 0x0 0x0 0x0 0x0 0x7ffcf00d4a40 0x0 0x7ffcf00d49f0 0x7f1f25b0c3c3\n";
        for (line, expected) in [
            (&select[..], Some(0x7ffc_f00d_49f0)),
            (b"-1 0x7ffcf00d49f0 0x7f1f25b0c3c3\n", Some(0x7ffc_f00d_49f0)),
            (b"running\n", None),
            (b"", None),
        ] {
            assert_eq!(stack_pointer(line), expected);
        }
    }

    #[test]
    fn a_blocked_task_is_the_thread_whose_stack_it_is_on() {
        let (first, second, third) = (0x7f00_1000_0000, 0x7f00_2000_0000, 0x7f00_2080_0000);
        let threads = [third, second, first];
        let check = |blocked: Blocked, expected: [bool; 3]| assert_eq!(blocked.waiting(&threads), expected);
        check(Blocked { first: true, others: vec![] }, [false, false, true]);
        check(Blocked { first: false, others: vec![second - 4096] }, [false, true, false]);
        check(Blocked { first: false, others: vec![third - 4096] }, [true, false, false]);
        check(Blocked { first: true, others: vec![second - STACK - 4096, third + 4096] }, [false, false, true]);
    }
}
