"""Makes the surroundings hostile, as the words before `--` say, and becomes the command after it.

    surround.py [deny=CALL,...] [as-nobody] [files=N] [hidepid] [no-proc] -- COMMAND...

Exits with 77 and a sentence where this machine or these rights do not let it.
"""

import ctypes
import os
import resource
import struct
import sys

NOBODY = 65534
CALLS = {
    "x86_64": {"perf_event_open": 298, "process_vm_readv": 310, "ptrace": 101, "pidfd_open": 434},
    "aarch64": {"perf_event_open": 241, "process_vm_readv": 270, "ptrace": 117, "pidfd_open": 434},
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_EPERM, SECCOMP_RET_ALLOW = 0x0005_0001, 0x7FFF_0000
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x0002_0000, 0x4000, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def must(what, result):
    """The kernel's refusal is the reason for not running."""
    if result != 0:
        cannot(f"{what}: {os.strerror(ctypes.get_errno())}")


def cannot(why):
    """Says why and gives up."""
    print(why, file=sys.stderr)
    sys.exit(77)


def deny(names):
    """These system calls answer EPERM from now on, as in a container with a strict filter (seccomp(2))."""
    numbers = CALLS.get(os.uname().machine) or cannot(f"no system call numbers for {os.uname().machine}")
    load = struct.pack("HBBI", 0x20, 0, 0, 0)
    checks = []
    for at, name in enumerate(names):
        to_refusal = len(names) - at
        checks.append(struct.pack("HBBI", 0x15, to_refusal, 0, numbers[name]))
    allow = struct.pack("HBBI", 0x06, 0, 0, SECCOMP_RET_ALLOW)
    refuse = struct.pack("HBBI", 0x06, 0, 0, SECCOMP_RET_EPERM)
    program = load + b"".join(checks) + allow + refuse
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
    must("cannot set no_new_privs", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    must("cannot install a filter", libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0))


def own_mounts():
    """What is mounted from now on is mounted for us alone."""
    must("cannot have mounts of our own", libc.unshare(CLONE_NEWNS))
    must("cannot make mounts private", libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def main():
    """One word after the other, those that need root first."""
    words, command = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
    if "hidepid" in words:
        own_mounts()
        must("cannot mount /proc", libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=2"))
    if "no-proc" in words:
        own_mounts()
        must("cannot cover /proc", libc.mount(b"none", b"/proc", b"tmpfs", 0, b"size=4k"))
    for word in words:
        if word.startswith("files="):
            most = int(word[6:])
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if "as-nobody" in words and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    for word in words:
        if word.startswith("deny="):
            deny(word[5:].split(","))
    os.execv(command[0], command)


main()
