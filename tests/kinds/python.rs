//! The labelled programs in Python; each runs until the alarm that is set before it.

use super::program::{Blocks::Often, Program, python};
use concadvise::observe::kind::BlockedKind::{Child, Disk, Idle, Lock, Network, Other, PageFault, Pipe, Timer};

/// Every one.
pub fn programs() -> Vec<Program> {
    vec![
        python("py_recv", Network, "import socket; server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname()); client.recv(9)"),
        python("py_recv_with_timeout", Network, "import socket; a, b = socket.socketpair(); a.settimeout(9); a.recv(9)"),
        python("py_udp", Network, "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); s.recvfrom(9)"),
        python("py_http_client", Network, "import http.client\nserver = socket.create_server(('127.0.0.1', 0))\nc = http.client.HTTPConnection(*server.getsockname()); c.request('GET', '/'); c.getresponse()"),
        python("py_select_client", Network, "import socket, select; server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname()); select.select([client], [], [], 9)"),
        python("py_asyncio_client", Network, "import asyncio, socket\nserver = socket.create_server(('127.0.0.1', 0))\nasync def main():\n    reader, writer = await asyncio.open_connection(*server.getsockname())\n    await reader.read(9)\nasyncio.run(main())"),
        python("py_accept", Idle, "import socket; socket.create_server(('127.0.0.1', 0)).accept()"),
        python("py_http_server", Idle, "import http.server; http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler).serve_forever()"),
        python("py_asyncio_server", Idle, "import asyncio\nasync def main():\n    server = await asyncio.start_server(lambda r, w: None, '127.0.0.1', 0)\n    await server.serve_forever()\nasyncio.run(main())"),
        python("py_sleep", Timer, "import time; time.sleep(9)"),
        python("py_asyncio_sleep", Timer, "import asyncio; asyncio.run(asyncio.sleep(9))"),
        python("py_select_nothing", Timer, "import select; select.select([], [], [], 9)"),
        python("py_lock", Lock, "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"),
        python("py_event", Lock, "import threading; threading.Event().wait(9)"),
        python("py_condition", Lock, "import threading; c = threading.Condition()\nwith c: c.wait()"),
        python("py_queue", Lock, "import queue; queue.Queue().get()"),
        python("py_join_thread", Lock, "import threading, time; t = threading.Thread(target=time.sleep, args=(9,)); t.start(); t.join()"),
        python("py_thread_pool", Lock, "import time; from concurrent.futures import ThreadPoolExecutor as P; P(2).submit(time.sleep, 9).result()"),
        python("py_process_lock", Lock, "import multiprocessing; lock = multiprocessing.Lock(); lock.acquire(); lock.acquire()"),
        python("py_pipe", Pipe, "import os; r, w = os.pipe(); os.read(r, 9)"),
        python("py_process_pipe", Pipe, "import multiprocessing, time; a, b = multiprocessing.Pipe(duplex=False); a.recv()"),
        python("py_subprocess_output", Pipe, "import subprocess; subprocess.check_output(['sleep', '0.5'])"),
        python("py_subprocess", Child, "import subprocess; subprocess.run(['sleep', '0.5'])"),
        python("py_waitpid", Child, "import os, time\nchild = os.fork()\nif child == 0:\n    time.sleep(0.5)\n    os._exit(0)\nos.waitpid(child, 0)"),
        python("py_join_process", Child, "import multiprocessing, time; p = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.5,)); p.start(); p.join()"),
        python("py_fsync", Disk, "import os; f = os.open('py_fsync.scratch', os.O_CREAT | os.O_RDWR)\nwhile more():\n    os.pwrite(f, b'x', 0); os.fsync(f)\ncaught()").blocks(Often),
        python("py_cold_read", Disk, "import os, random; f = os.open('data', os.O_RDONLY); size = os.fstat(f).st_size\nos.posix_fadvise(f, 0, 0, os.POSIX_FADV_RANDOM)\nwhile more():\n    os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)\n    for i in range(64): os.pread(f, 1, random.randrange(size))\ncaught()").blocks(Often),
        python("py_cold_folders", Disk, "import os\nfor at, folders, files in os.walk('/usr'):\n    for file in files: os.lstat(os.path.join(at, file))\n    if not more(): break\ncaught()").blocks(Often),
        python("py_mapped_cold", PageFault, "import mmap, os, random; f = os.open('data', os.O_RDONLY); size = os.fstat(f).st_size\nwhile more():\n    os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)\n    with mmap.mmap(f, 0, prot=mmap.PROT_READ) as m:\n        m.madvise(mmap.MADV_RANDOM)\n        for i in range(64): m[random.randrange(size)]\ncaught()").blocks(Often),
        python("py_pause", Other, "import signal; signal.pause()"),
        python("py_busy", Other, "while True: pass").never_blocks(),
    ]
}
