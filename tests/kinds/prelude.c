// What the labelled C programs share. Each program is a function, put below this text by the test, that blocks in one
// way until the alarm ends it; one that does I/O again and again returns `caught()` instead.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// How long each blocks, and the exit status of one that cannot be blocked that way on this machine.
#define BLOCKS_MS 500
#define NOT_HERE 77
#define PAGE 4096

static const char *name;
static struct timespec begun;
static char buffer[1 << 16] __attribute__((aligned(PAGE)));

static void must(int that) {
    if (!that) {
        perror(name);
        exit(NOT_HERE);
    }
}

static double elapsed_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begun.tv_sec) * 1e3 + (now.tv_nsec - begun.tv_nsec) / 1e6;
}

static int more(void) { return elapsed_ms() < BLOCKS_MS; }

// The end of a program that does I/O: whether it was blocked for long enough to be caught at it.
static int caught(void) {
    double wall = elapsed_ms(), on_cpu = 0, queued = 0;
    FILE *file = fopen("/proc/self/schedstat", "r");
    must(file && fscanf(file, "%lf %lf", &on_cpu, &queued) == 2);
    return wall - (on_cpu + queued) / 1e6 < wall / 10 ? NOT_HERE : 0;
}

static long after(long ms, struct timespec *at) {
    clock_gettime(CLOCK_REALTIME, at);
    at->tv_sec += ms / 1000;
    at->tv_nsec += ms % 1000 * 1000000;
    if (at->tv_nsec >= 1000000000) { at->tv_nsec -= 1000000000; at->tv_sec++; }
    return ms;
}

static int tcp_listens(struct sockaddr_in *address) {
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(!bind(listener, (void *)address, length) && !listen(listener, 0));
    must(!getsockname(listener, (void *)address, &length));
    return listener;
}

static int tcp_client(struct sockaddr_in *address) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    must(!connect(client, (void *)address, sizeof *address));
    return client;
}

// A connection to a server of our own: both its ends, and the socket that listens.
struct connection { int listener, client, accepted; };

static struct connection tcp_connection(void) {
    struct sockaddr_in address;
    struct connection all = {.listener = tcp_listens(&address)};
    all.client = tcp_client(&address);
    all.accepted = accept(all.listener, 0, 0);
    must(all.accepted >= 0);
    return all;
}

static struct connection unix_connection(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.socket", name);
    unlink(address.sun_path);
    struct connection all = {.listener = socket(AF_UNIX, SOCK_STREAM, 0)};
    must(!bind(all.listener, (void *)&address, sizeof address) && !listen(all.listener, 1));
    all.client = socket(AF_UNIX, SOCK_STREAM, 0);
    must(!connect(all.client, (void *)&address, sizeof address));
    all.accepted = accept(all.listener, 0, 0);
    must(all.accepted >= 0);
    return all;
}

static int pair(void) {
    int ends[2];
    must(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    return ends[0];
}

// An empty pipe, whose writer stays open.
static int empty_pipe(int *writer) {
    int ends[2];
    must(!pipe(ends));
    if (writer) *writer = ends[1];
    return ends[0];
}

static void fill(int descriptor) {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    while (write(descriptor, buffer, sizeof buffer) > 0) {}
    while (write(descriptor, buffer, 1) > 0) {}
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
}

static int in_epoll(int epoll, int descriptor, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    must(!epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
    return epoll;
}

static int epoll_of(int descriptor) { return in_epoll(epoll_create1(0), descriptor, EPOLLIN); }

static int waits_in(int epoll, int ms) {
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, ms);
}

static int polls(int descriptor, int events, int ms) {
    struct pollfd one = {.fd = descriptor, .events = events};
    return poll(&one, 1, ms);
}

static int selects(int descriptor) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(descriptor, &readable);
    return select(descriptor + 1, &readable, 0, 0, 0);
}

static int timer(void) {
    struct itimerspec spec = {.it_value.tv_sec = 60};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(timer, 0, &spec, 0);
    return timer;
}

// A file of its own, and the large one that the test has made.
static int scratch(int flags) {
    char path[128];
    snprintf(path, sizeof path, "%s.scratch", name);
    int file = open(path, O_RDWR | O_CREAT | flags, 0600);
    must(file >= 0);
    return file;
}

static long data_size;

static int data(int flags) {
    struct stat stat;
    int file = open("data", O_RDONLY | flags);
    must(file >= 0 && !fstat(file, &stat));
    data_size = stat.st_size;
    posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
    return file;
}

static off_t somewhere(void) { return (off_t)(rand() % (data_size / PAGE)) * PAGE; }

static void cool(int file) { posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED); }

// Only what a child may do between `fork` and its end.
static pid_t sleeping_child(void) {
    pid_t child = fork();
    if (!child) { usleep(BLOCKS_MS * 1000); _exit(0); }
    return child;
}

static void heard(int signal) { (void)signal; }

static void *sleeping_thread(void *nothing) { usleep(BLOCKS_MS * 1000); return nothing; }

// A child that holds the lock of `file` when it answers.
static void locked_elsewhere(int (*lock)(int), int file) {
    int ends[2];
    must(!pipe(ends));
    pid_t child = fork();
    if (!child) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        // An open file of its own, because one that is inherited is the same.
        lock(open(path, O_RDWR));
        write(ends[1], "", 1);
        usleep(BLOCKS_MS * 1000);
        _exit(0);
    }
    must(child > 0 && read(ends[0], buffer, 1) == 1);
}

static int by_flock(int file) { return flock(file, LOCK_EX); }
static int by_fcntl_as(int file, int command) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, command, &lock);
}
static int by_fcntl(int file) { return by_fcntl_as(file, F_SETLKW); }
static int by_ofd(int file) { return by_fcntl_as(file, F_OFD_SETLKW); }

// An io_uring of one entry, by its system calls.
struct ring { int fd; char *queue; struct io_uring_params is; struct io_uring_sqe *entry; };

static struct ring ring(void) {
    struct ring ring = {0};
    ring.fd = syscall(SYS_io_uring_setup, 1, &ring.is);
    must(ring.fd >= 0);
    size_t size = ring.is.sq_off.array + ring.is.sq_entries * sizeof(unsigned);
    size_t completions = ring.is.cq_off.cqes + ring.is.cq_entries * sizeof(struct io_uring_cqe);
    ring.queue = mmap(0, size > completions ? size : completions, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
    ring.entry = mmap(0, sizeof *ring.entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
    must(ring.queue != MAP_FAILED && (void *)ring.entry != MAP_FAILED);
    return ring;
}

static void asks(struct ring *ring, int operation, int descriptor, off_t offset, unsigned length) {
    memset(ring->entry, 0, sizeof *ring->entry);
    ring->entry->opcode = operation;
    ring->entry->fd = descriptor;
    ring->entry->off = offset;
    ring->entry->addr = length ? (unsigned long)buffer : 0;
    ring->entry->len = length;
    *(unsigned *)(ring->queue + ring->is.sq_off.array) = 0;
    ++*(volatile unsigned *)(ring->queue + ring->is.sq_off.tail);
    syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
    *(volatile unsigned *)(ring->queue + ring->is.cq_off.head) =
        *(volatile unsigned *)(ring->queue + ring->is.cq_off.tail);
}

struct program { const char *name; int (*run)(void); };
static struct program programs[];

int main(int count, char **words) {
    must(count >= 2);
    name = words[1];
    // Hides its system calls and descriptors from everybody but root.
    if (count > 2) prctl(PR_SET_DUMPABLE, 0);
    struct itimerval end = {.it_value.tv_usec = (BLOCKS_MS + 100) * 1000};
    setitimer(ITIMER_REAL, &end, 0);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (struct program *program = programs; program->name; program++)
        if (!strcmp(program->name, name)) return program->run();
    return 3;
}
