/* Loaded before everything else (LD_PRELOAD), it makes the disk and the clock of one process tree misbehave.
 *
 * FAULTS_CONTROL names a file that holds a struct control, shared with the test that steers it.
 * FAULTS_FOLDER says which files are meant; FAULTS_TRACE, if set, where to write down every change made to them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t countdown;      /* the operation that brings it to 0 fails; below 1 at rest */
    int64_t error;          /* with this errno */
    int64_t stays;          /* and all that follow fail as well */
    int64_t failed;         /* how many have */
    int64_t clock_offset_s; /* seconds that the wall clock is ahead */
};

static struct control *control;
static int trace_fd = -1;
static const char *folder;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void prepare(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    folder = getenv("FAULTS_FOLDER");
    const char *path = getenv("FAULTS_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        control = memory == MAP_FAILED ? NULL : memory;
        close(fd);
    }
    const char *trace = getenv("FAULTS_TRACE");
    if (trace) trace_fd = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The file's path below the folder, or NULL when it is none of ours. */
static const char *path_of(int fd, char *room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = folder ? readlink(link, room, PATH_MAX) : -1;
    size_t prefix = folder ? strlen(folder) : 0;
    if (length < 0 || (size_t)length <= prefix || strncmp(room, folder, prefix) != 0) return NULL;
    room[length] = 0;
    return room + prefix;
}

static int must_fail(void) {
    if (!control || control->countdown < 1) return 0;
    int64_t left = __sync_sub_and_fetch(&control->countdown, 1);
    if (left > 0) return 0;
    if (control->stays) __sync_add_and_fetch(&control->countdown, 1);
    __sync_add_and_fetch(&control->failed, 1);
    errno = (int)control->error;
    return 1;
}

/* One line of head, then the bytes: operation, path, offset, length. */
static void note(char operation, const char *path, off_t offset, const void *data, size_t length) {
    if (trace_fd < 0) return;
    char head[PATH_MAX + 64];
    int size = snprintf(head, sizeof head, "%c %s %lld %zu\n", operation, path, (long long)offset, length);
    char *whole = malloc((size_t)size + length);
    memcpy(whole, head, (size_t)size);
    if (length) memcpy(whole + size, data, length);
    real_write(trace_fd, whole, (size_t)size + length);
    free(whole);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    char room[PATH_MAX + 1];
    const char *path = path_of(fd, room);
    if (!path) return real_pwrite(fd, data, length, offset);
    if (must_fail()) return -1;
    ssize_t written = real_pwrite(fd, data, length, offset);
    if (written > 0) note('w', path, offset, data, (size_t)written);
    return written;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    char room[PATH_MAX + 1];
    const char *path = fd == trace_fd ? NULL : path_of(fd, room);
    if (!path) return real_write(fd, data, length);
    if (must_fail()) return -1;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = real_write(fd, data, length);
    if (written > 0) note('w', path, offset, data, (size_t)written);
    return written;
}

static int sync_with(int (*real)(int), int fd) {
    char room[PATH_MAX + 1];
    const char *path = path_of(fd, room);
    if (!path) return real(fd);
    if (must_fail()) return -1;
    int answer = real(fd);
    if (answer == 0) note('s', path, 0, NULL, 0);
    return answer;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

int ftruncate(int fd, off_t length) {
    char room[PATH_MAX + 1];
    const char *path = path_of(fd, room);
    if (!path) return real_ftruncate(fd, length);
    if (must_fail()) return -1;
    int answer = real_ftruncate(fd, length);
    if (answer == 0) note('t', path, length, NULL, 0);
    return answer;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int unlink(const char *path) {
    int answer = real_unlink(path);
    size_t prefix = folder ? strlen(folder) : 0;
    if (answer == 0 && prefix && strncmp(path, folder, prefix) == 0) note('u', path + prefix, 0, NULL, 0);
    return answer;
}

int clock_gettime(clockid_t which, struct timespec *time) {
    int answer = real_clock_gettime(which, time);
    if (answer == 0 && control && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        time->tv_sec += control->clock_offset_s;
    return answer;
}
