/* Loaded before a program's own libraries: counts the calls by which it changes files or sends to sockets, and ends it at
 * the one that the test named, as `kill -9` would, whichever thread makes it. A write or send counts twice, so that it can
 * also end with half of its bytes on their way. See steps.rs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The file that the test reads and writes: at which step to end (0: do not count), how many were taken, the last one's
 * name. */
struct shared {
    _Atomic uint64_t end_at;
    _Atomic uint64_t taken;
    char name[16];
};

static struct shared *shared;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TESTKIT_STEPS");
    int file = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = file < 0 ? MAP_FAILED
                            : mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    /* A test that counts nothing would prove nothing. */
    if (memory == MAP_FAILED)
        abort();
    close(file);
    shared = memory;
}

static int counting(void)
{
    return shared && atomic_load(&shared->end_at) != 0;
}

static void end(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* One step; true when the program is to end here. */
static int last(const char *name)
{
    uint64_t end_at = atomic_load(&shared->end_at);
    if (atomic_fetch_add(&shared->taken, 1) + 1 != end_at)
        return 0;
    strncpy(shared->name, name, sizeof shared->name - 1);
    return 1;
}

static void step(const char *name)
{
    if (counting() && last(name))
        end();
}

/* Pipes and the like do not count: nothing of them is there after the end. */
static int stays(int fd)
{
    struct stat found;
    int before = errno;
    int known = fstat(fd, &found) == 0;
    errno = before;
    return known && (S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode));
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (counting() && stays(fd)) {
        step("write");
        if (length > 1 && last("half a write")) {
            REAL(write)(fd, bytes, length / 2);
            end();
        }
    }
    return REAL(write)(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (counting() && stays(fd))
        step("writev");
    return REAL(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    if (counting()) {
        step("send");
        if (length > 1 && last("half a send")) {
            REAL(send)(fd, bytes, length / 2, flags);
            end();
        }
    }
    return REAL(send)(fd, bytes, length, flags);
}

#define STEP(result, name, parameters, arguments) \
    result name parameters                        \
    {                                             \
        step(#name);                              \
        return REAL(name) arguments;              \
    }

STEP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
STEP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
STEP(int, fsync, (int fd), (fd))
STEP(int, fdatasync, (int fd), (fd))
STEP(int, ftruncate, (int fd, off_t size), (fd, size))
STEP(int, ftruncate64, (int fd, off64_t size), (fd, size))
STEP(int, rename, (const char *from, const char *to), (from, to))
STEP(int, renameat, (int f, const char *from, int t, const char *to), (f, from, t, to))
STEP(int, link, (const char *from, const char *to), (from, to))
STEP(int, linkat, (int f, const char *from, int t, const char *to, int flags), (f, from, t, to, flags))
STEP(int, unlink, (const char *path), (path))
STEP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
STEP(int, mkdir, (const char *path, mode_t mode), (path, mode))
STEP(int, rmdir, (const char *path), (path))

/* Opening a file is a step where it may make one. */
#define OPEN(name)                                    \
    int name(const char *path, int flags, ...)        \
    {                                                 \
        va_list rest;                                 \
        va_start(rest, flags);                        \
        mode_t mode = va_arg(rest, mode_t);           \
        va_end(rest);                                 \
        if (flags & O_CREAT)                          \
            step(#name);                              \
        return REAL(name)(path, flags, mode);         \
    }
#define OPENAT(name)                                      \
    int name(int folder, const char *path, int flags, ...) \
    {                                                     \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = va_arg(rest, mode_t);               \
        va_end(rest);                                     \
        if (flags & O_CREAT)                              \
            step(#name);                                  \
        return REAL(name)(folder, path, flags, mode);     \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
