/* Stands between the program and the file system, by LD_PRELOAD: the program under test is the one
 * that ships, and can be stopped at every single step that changes a file.
 *
 * Steps are numbered from 0: opening a file to write, writing, truncating, syncing, linking, renaming,
 * removing, making folders and links. Environment:
 *
 *   FAULTS_LOG=FILE   a line for each step: number, what, where
 *   FAULTS_AT=N       at which step
 *   FAULTS_DO=kill    SIGKILL before the step; of a write, half of it is done
 *   FAULTS_DO=full    no space left from this step on; of the first write, half of it is done
 *   FAULTS_DO=readonly  a read-only file system from this step on
 *   FAULTS_CLOCK=N    what the clock says, in seconds from 1970
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FDS = 1024, NAME = 512 };
enum kind { MAKES, WRITES, TAKES };

static atomic_long steps;
static char names[FDS][NAME];
static atomic_bool ours[FDS];

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void note(long step, const char *what, const char *where) {
    const char *log = setting("FAULTS_LOG");
    if (!log) return;
    char line[NAME + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", step, what, where);
    int fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    if (length > 0) (void)!syscall(SYS_write, fd, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    syscall(SYS_close, fd);
}

/* 0: go on. Otherwise errno, and *first says whether this is the very step. */
static int fault(const char *what, const char *where, enum kind kind, int *first) {
    long step = atomic_fetch_add(&steps, 1);
    note(step, what, where);
    const char *at = setting("FAULTS_AT"), *mode = setting("FAULTS_DO");
    if (!at || !mode || step < atol(at)) return 0;
    *first = step == atol(at);
    if (!strcmp(mode, "kill")) return *first ? EINTR : 0;
    if (!strcmp(mode, "full")) return kind == TAKES ? 0 : ENOSPC;
    if (!strcmp(mode, "readonly")) return EROFS;
    return 0;
}

static int is_kill(void) {
    const char *mode = setting("FAULTS_DO");
    return mode && !strcmp(mode, "kill");
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* For steps that are done or not: 0 to go on, -1 with errno set. */
static int step(const char *what, const char *where, enum kind kind) {
    int first = 0, error = fault(what, where, kind, &first);
    if (!error) return 0;
    if (is_kill()) die();
    errno = error;
    return -1;
}

static int open_any(int folder, const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int system = !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5);
    if (writes && !system && step("open", path, flags & O_CREAT ? MAKES : TAKES)) return -1;
    int fd = syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        ours[fd] = !system;
        snprintf(names[fd], NAME, "%s", path);
    }
    return fd;
}

#define OPEN(name)                                    \
    int name(const char *path, int flags, ...) {      \
        va_list rest;                                 \
        va_start(rest, flags);                        \
        mode_t mode = va_arg(rest, mode_t);           \
        va_end(rest);                                 \
        return open_any(AT_FDCWD, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                           \
    int name(int folder, const char *path, int flags, ...) {   \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode_t mode = va_arg(rest, mode_t);                    \
        va_end(rest);                                          \
        return open_any(folder, path, flags, mode);            \
    }
OPENAT(openat)
OPENAT(openat64)

static int is_ours(int fd) { return fd > 2 && fd < FDS && ours[fd]; }

int close(int fd) {
    if (fd >= 0 && fd < FDS) ours[fd] = 0;
    return syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_ours(fd)) {
        int first = 0, error = fault("write", names[fd], WRITES, &first);
        if (error) {
            if (first && error != EROFS && count > 1) {
                ssize_t half = syscall(SYS_write, fd, bytes, count / 2);
                if (!is_kill()) return half;
            }
            if (is_kill()) die();
            errno = error;
            return -1;
        }
    }
    return syscall(SYS_write, fd, bytes, count);
}

int fsync(int fd) {
    if (is_ours(fd) && step("fsync", names[fd], TAKES)) return -1;
    return syscall(SYS_fsync, fd);
}

static int truncate_any(int fd, off_t length) {
    if (is_ours(fd) && step("truncate", names[fd], TAKES)) return -1;
    return syscall(SYS_ftruncate, fd, length);
}
int ftruncate(int fd, off_t length) { return truncate_any(fd, length); }
int ftruncate64(int fd, off_t length) { return truncate_any(fd, length); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (step("link", to, MAKES)) return -1;
    return syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlink(const char *target, const char *path) {
    if (step("symlink", path, MAKES)) return -1;
    return syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

int rename(const char *from, const char *to) {
    if (step("rename", to, TAKES)) return -1;
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode) {
    if (step("mkdir", path, MAKES)) return -1;
    return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlinkat(int folder, const char *path, int flags) {
    if (step("remove", path, TAKES)) return -1;
    return syscall(SYS_unlinkat, folder, path, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int clock_gettime(clockid_t clock, struct timespec *time) {
    const char *says = clock == CLOCK_REALTIME ? setting("FAULTS_CLOCK") : NULL;
    if (!says) return syscall(SYS_clock_gettime, clock, time);
    *time = (struct timespec){.tv_sec = atol(says)};
    return 0;
}
