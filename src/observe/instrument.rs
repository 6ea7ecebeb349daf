//! Every instrument that a run is watched with or could be, and what each is worth here: tried on a child of our own
//! that is held before its program and then let go, because a setting says what should be and a reading what is.
//!
//! Which of them a run then uses is for the others to say; how the list is shown is `report`'s.

use super::Observation;
use super::counters::Counters;
use super::probe::{Failure, ProcPath};
use super::readings::{Schedstat, Stat, field, words};
use crate::host::Host;
use crate::notice::Notice;
use crate::sys::fork::fork;
use crate::sys::{spawn, wait};
use crate::target::{CPython, PythonEntry, Target};
use crate::units::Bytes;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Pid, Uid};
use perf_event::events::Software;
use perf_event::{Builder, Sampler};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

/// Ring buffer for the records of one CPU, which lost nothing at a million switches a second (the study before this
/// project).
const RING: usize = 512 << 10;
/// Files that we keep open for each worker, and those left to the rest of our process.
const FILES_EACH: u64 = 2;
const FILES_BESIDE: u64 = 128;

/// How long a child may take to begin to wait, on a busy machine; without that some readings show nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether it does.
const LOOK: Duration = Duration::from_millis(1);

/// Whether an instrument works here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Works {
    /// It was tried and does.
    Yes,
    /// It does in part.
    Partly,
    /// It was tried and does not.
    No,
}

/// One way of learning something of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// What it reads, in words.
    pub name: &'static str,
    /// Whether it works here.
    pub works: Works,
    /// What it showed, or why it does not work.
    pub found: String,
    /// What it adds to a report.
    pub adds: &'static str,
    /// What would enable it: a command, or what to look for; `None` when it works, or nothing would.
    pub enable: Option<String>,
}

impl Instrument {
    fn of(name: &'static str, adds: &'static str, tried: Result<String, String>, enable: &str) -> Self {
        let (works, found) = match tried {
            Ok(found) => (Works::Yes, found),
            Err(why) => (Works::No, why),
        };
        let enable = (works != Works::Yes && !enable.is_empty()).then(|| enable.to_owned());
        Self { name, works, found, adds, enable }
    }

    /// It works, but not all of it.
    fn partly(self, enable: &str) -> Self {
        Self { works: Works::Partly, enable: Some(enable.to_owned()), ..self }
    }
}

/// Tries them all, which takes some tens of milliseconds and longer where Python is slow to start. `host` is this
/// machine's.
///
/// # Errors
/// When no child could be made to try them on.
pub fn examine(host: &Host) -> Result<Vec<Instrument>, super::Error> {
    let ours = |source| super::Error::Ours { doing: "start a process to try things on", source };
    // A shell is where POSIX puts it, whatever PATH says.
    let held = spawn::hold(&["/bin/sh", "-c", ":"].map(Into::into), None, &[]).map_err(ours)?;
    settle(held.pid());
    let mut all = files_of(held.pid());
    all.push(running_already());
    all.push(everybody(host));
    let rings = rings(held.pid());
    let counters = Counters::attach(held.pid());
    let pid = held.pid();
    // Where it cannot be executed, the kernel has told so by recording nothing.
    if held.release().is_ok() {
        let _ended = wait::reap(pid);
    }
    let recorded = match rings.map(|rings| rings.into_iter().any(|mut ring| ring.next_record().is_some())) {
        Ok(true) => Ok("records came".to_owned()),
        Ok(false) => Err("the kernel opened them and recorded nothing".to_owned()),
        Err(why) => Err(perf_refusal(&why)),
    };
    all.push(Instrument::of(
        "records of every context switch (perf)",
        "each burst and each wait to the nanosecond, and every birth",
        recorded,
        "sudo sysctl kernel.perf_event_paranoid=2 kernel.perf_event_mlock_kb=516",
    ));
    all.extend(counted(counters));
    all.extend(of_the_machine(host));
    all.push(open_files());
    all.push(python());
    Ok(all)
}

/// Waits until a held child waits for us, so that there is something to be read of it.
fn settle(pid: i32) {
    let begun = Instant::now();
    let mut buffer = [0; 512];
    let mut asleep = || {
        let stat = ProcPath::process(pid, "stat").read(&mut buffer).ok().and_then(Stat::parse);
        stat.is_none_or(|stat| stat.state == b'S')
    };
    while !asleep() && begun.elapsed() < PATIENCE {
        thread::sleep(LOOK);
    }
}

/// What `/proc` shows of a child.
fn files_of(pid: i32) -> Vec<Instrument> {
    let schedstat = read(pid, "schedstat").and_then(|bytes| match Schedstat::parse(&bytes) {
        Some(read) if read.timeslices > 0 => Ok("counts in nanoseconds".to_owned()),
        _ => Err("the kernel does not count it".to_owned()),
    });
    let syscall = read(pid, "syscall").and_then(|bytes| match words(&bytes).next() {
        Some(word) if word != b"running" => Ok("a child's can be read".to_owned()),
        _ => Err("the kernel does not tell it".to_owned()),
    });
    let channel = read(pid, "wchan").and_then(|bytes| match bytes.as_slice() {
        b"" | b"0" => Err("hidden".to_owned()),
        name => Ok(format!("waits in {}", String::from_utf8_lossy(name))),
    });
    let us = std::process::id().cast_signed();
    let children = fs::read_to_string(ProcPath::worker(us, us, "children")).map_err(|why| why.to_string());
    let children = children.and_then(|listed| match listed.split(' ').any(|child| child == pid.to_string()) {
        true => Ok("lists them".to_owned()),
        false => Err("a child of ours is not listed".to_owned()),
    });
    let io = read(pid, "io").map(|_| "a child's can be read".to_owned());
    let pages = read(pid, "smaps_rollup")
        .and_then(|bytes| field(&bytes, b"Pss:").map(|_| "a child's can be read".to_owned()).ok_or("not told".into()));
    let end = wait::pidfd(pid).map(|_| "wakes us".to_owned()).map_err(|why| why.to_string());
    let rights = "run as the target's user or as root, and: sudo sysctl kernel.yama.ptrace_scope=1";
    vec![
        Instrument::of(
            "time on a core and in the run queue (schedstat)",
            "exact CPU time, and waiting for a core told from blocking",
            schedstat,
            "a kernel built with CONFIG_SCHED_INFO",
        ),
        Instrument::of(
            "the system call a worker is in (syscall)",
            "what it is blocked on: disk, network, timer, lock, pipe, child",
            syscall,
            rights,
        ),
        Instrument::of(
            "the kernel function it waits in (wchan)",
            "what it is blocked on where its system call is hidden",
            channel,
            "a kernel built with CONFIG_KALLSYMS",
        ),
        Instrument::of(
            "a process's memory (mem)",
            "who holds Python's GIL, and which function runs",
            memory_of(pid).map(|()| "a child's can be read".to_owned()),
            rights,
        ),
        Instrument::of(
            "the children of a process (children)",
            "every process of the target, found cheaply",
            children,
            "a kernel built with CONFIG_PROC_CHILDREN",
        ),
        Instrument::of("bytes read and written (io)", "traffic with block devices", io, rights),
        Instrument::of(
            "proportional memory (smaps_rollup)",
            "memory with shared pages counted once",
            pages,
            "Linux 4.14, and the rights of the target's user",
        ),
        Instrument::of(
            "the end of a process (pidfd)",
            "an end seen at once, also of what was attached to",
            end,
            "Linux 5.3",
        ),
    ]
}

/// A word of ours, read from the memory of a child that is still a copy of us.
fn memory_of(pid: i32) -> Result<(), String> {
    let word = 0x0063_6f6e_6361_6476_u64.to_ne_bytes();
    let address = word.as_ptr() as u64;
    let mut read = [0; 8];
    let file = File::open(ProcPath::process(pid, "mem")).map_err(|why| why.to_string())?;
    file.read_exact_at(&mut read, address).map_err(|why| why.to_string())
}

/// Whether the rights reach a process that is no descendant, as one that is attached to. A child of ours tries it on us.
fn running_already() -> Instrument {
    let us = std::process::id().cast_signed();
    let tried = fork(|| i32::from(read(us, "syscall").is_err())).and_then(crate::sys::fork::Child::wait);
    let tried = match tried {
        Ok(true) => Ok("this user's can be read".to_owned()),
        Ok(false) => Err("only children may be read (Yama)".to_owned()),
        Err(why) => Err(format!("it could not be tried: {why}")),
    };
    let adds = "what is attached to tells what it is blocked on, and its GIL";
    Instrument::of("the same of what runs already (attach)", adds, tried, "sudo sysctl kernel.yama.ptrace_scope=0")
}

/// Whether `/proc` shows the processes of other users.
fn everybody(host: &Host) -> Instrument {
    let seen = match (fs::metadata("/proc/1/stat"), host.rights.hidepid) {
        (Ok(_), _) if Uid::effective().is_root() => Ok("all of them, and all about them".to_owned()),
        (Ok(_), _) => Ok("seen, without what is private to them".to_owned()),
        (Err(_), hidepid) => Err(format!("/proc is mounted with hidepid={hidepid}")),
    };
    let (root, adds) = (Uid::effective().is_root(), "targets that change their user, and attaching to a service");
    let seen = Instrument::of("other users' processes", adds, seen, "sudo mount -o remount,hidepid=0 /proc");
    if seen.works == Works::Yes && !root { seen.partly("sudo concadvise …") } else { seen }
}

/// One ring for each CPU that we may use, as a run would open them.
fn rings(pid: i32) -> io::Result<Vec<Sampler>> {
    let cpus = sched_getaffinity(Pid::from_raw(0))?;
    let usable = (0..CpuSet::count()).filter(|cpu| cpus.is_set(*cpu).unwrap_or(false));
    let ring = |cpu| {
        let mut event = Builder::new(Software::DUMMY);
        event.observe_pid(pid).one_cpu(cpu).inherit(true).enable_on_exec(true).exclude_kernel(true).exclude_hv(true);
        event.context_switch(true).task(true).sample_id_all(true).build()?.sampled(RING)
    };
    usable.map(ring).collect()
}

fn perf_refusal(why: &io::Error) -> String {
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    match why.kind() {
        io::ErrorKind::PermissionDenied => format!("this user may not (perf_event_paranoid is {})", paranoid.trim()),
        _ => why.to_string(),
    }
}

/// The three sorts of counters, by what came of one of each.
fn counted(counters: Counters) -> [Instrument; 3] {
    let (counted, notices) = counters.read();
    let tried = |name: &str, of: &str| match counted.iter().find(|counter| counter.name == name) {
        Some(_) => Ok("counts".to_owned()),
        None => Err(notices.iter().find_map(|notice| refusal(notice, of)).unwrap_or_else(|| "not there".to_owned())),
    };
    let capability =
        "sudo sysctl kernel.perf_event_paranoid=1, or: sudo setcap cap_perfmon+ep $(command -v concadvise)";
    [
        Instrument::of(
            "the kernel's counters (perf)",
            "CPU time and page faults of the whole tree at once",
            tried("task-clock", "task clock"),
            "sudo sysctl kernel.perf_event_paranoid=2",
        ),
        Instrument::of(
            "the kernel's counters within itself (perf)",
            "migrations between cores, and page faults of the kernel",
            tried("context-switches", "context switches"),
            capability,
        ),
        Instrument::of(
            "the processor's counters (perf)",
            "instructions per cycle and cache misses: a hint of memory bandwidth",
            tried("cycles", "cycles"),
            "a machine that has them: most virtual machines have none; else sudo sysctl kernel.perf_event_paranoid=2",
        ),
    ]
}

fn refusal(notice: &Notice, of: &str) -> Option<String> {
    match notice {
        Notice::Unavailable { what, why, .. } if what.contains(of) => Some(why.clone()),
        _ => None,
    }
}

/// What is read once, of the machine and not of a process.
fn of_the_machine(host: &Host) -> Vec<Instrument> {
    let setting =
        |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|why| why.to_string());
    let delays = setting("/proc/sys/kernel/task_delayacct").and_then(|on| match on.as_str() {
        "1" => Ok("on".to_owned()),
        _ => Err("switched off".to_owned()),
    });
    let status = fs::read("/proc/self/status").unwrap_or_default();
    let held = field_hex(&status, "CapEff:").unwrap_or(0);
    // CAP_NET_ADMIN, which the netlink interface asks for (Documentation/accounting/taskstats.rst).
    let taskstats = if held & (1 << 12) == 0 { Err("needs CAP_NET_ADMIN") } else { Ok("allowed, and not used so far") };
    let pressure = setting("/proc/pressure/cpu").and_then(|text| match text.starts_with("some ") {
        true => Ok("told".to_owned()),
        false => Err("not told".to_owned()),
    });
    let unseen = |what: &str| host.notices.iter().find_map(|notice| refusal(notice, what));
    let limit = |what, set: Option<String>| match unseen(what).or_else(|| unseen("cgroup")) {
        Some(why) => Err(why),
        None => Ok(set.unwrap_or_else(|| "read: there is none".to_owned())),
    };
    let quota = limit("CPU quota", host.cpus.quota.as_ref().map(|quota| format!("{} CPUs", quota.cpus)));
    let memory = limit("memory limit", host.memory.limit.as_ref().map(|limit| limit.bytes.to_string()));
    let cpus = format!("{} of {} online", host.cpus.usable(), host.cpus.online);
    let ring = setting("/proc/sys/kernel/perf_event_mlock_kb").and_then(|text| {
        let kib = text.parse().map_err(|_| format!("not a number: {text}"))?;
        let (has, wants) = (Bytes::from_kib(kib), Bytes(RING as u64));
        let found = format!("{has} for each CPU; {wants} are wanted");
        if has >= wants || Uid::effective().is_root() { Ok(found) } else { Err(found) }
    });
    vec![
        Instrument::of(
            "memory for perf's records",
            "room for a burst of switches",
            ring,
            "sudo sysctl kernel.perf_event_mlock_kb=516",
        ),
        Instrument::of(
            "delays by block I/O and swap (task_delayacct)",
            "time waited for disks, exact",
            delays,
            "sudo sysctl kernel.task_delayacct=1 (before the target starts)",
        ),
        Instrument::of(
            "taskstats (netlink)",
            "the same for workers that have ended",
            taskstats.map(str::to_owned).map_err(str::to_owned),
            "sudo concadvise …",
        ),
        Instrument::of(
            "pressure of the machine (PSI)",
            "whether others made it wait",
            pressure,
            "a kernel booted with psi=1",
        ),
        Instrument::of("CPUs that may be used", "how many workers can compute at once", Ok(cpus), ""),
        Instrument::of(
            "the CPU quota of our cgroups",
            "a container's share of the machine",
            quota,
            "mount /sys/fs/cgroup",
        ),
        Instrument::of("the memory limit of our cgroups", "how many workers fit", memory, "mount /sys/fs/cgroup"),
    ]
}

fn field_hex(status: &[u8], name: &str) -> Option<u64> {
    let text = std::str::from_utf8(status).ok()?;
    u64::from_str_radix(text.lines().find_map(|line| line.strip_prefix(name))?.trim(), 16).ok()
}

/// How many workers can be read without opening their files each time.
fn open_files() -> Instrument {
    let tried = getrlimit(Resource::RLIMIT_NOFILE).map_err(|why| why.to_string());
    let workers = tried.map(|(_, hard)| hard.saturating_sub(FILES_BESIDE) / FILES_EACH);
    let told = |workers| format!("enough for {workers} workers");
    let enough = workers.as_ref().is_ok_and(|workers| *workers >= Observation::WORKERS_KEPT as u64);
    let adds = "workers past that are read at three times the cost";
    let all = Instrument::of("files we may keep open", adds, workers.map(told), "ulimit -Hn 1048576 (as root)");
    if all.works == Works::Yes && !enough { all.partly("ulimit -Hn 1048576 (as root)") } else { all }
}

/// The Python that a script would be run by.
fn python() -> Instrument {
    let found = Target::detect(vec!["python3".into()], std::env::var_os("PATH").as_deref()).program;
    let told = found.ok_or_else(|| "there is none on PATH".to_owned()).and_then(|path| {
        let mut python = CPython::new(path, PythonEntry::Unknown);
        python.ask().map_err(|why| why.to_string())?;
        let (major, minor, micro) = python.version.unwrap_or_default();
        let lock = if python.gil == Some(false) { "without a GIL" } else { "with a GIL" };
        Ok(format!("CPython {major}.{minor}.{micro}, {lock}"))
    });
    let adds = "trials of Python programs whose own interpreter is hidden";
    Instrument::of("the python3 on PATH", adds, told, "install CPython 3.8 or newer")
}

fn read(pid: i32, name: &str) -> Result<Vec<u8>, String> {
    let mut buffer = [0; 4096];
    match ProcPath::process(pid, name).read(&mut buffer) {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(Failure::Vanished) => Err("this kernel has no such file".to_owned()),
        Err(Failure::Unreadable(why)) => Err(why.to_string()),
    }
}
