/* Before the real binary (LD_PRELOAD): makes the database's files fail as FAULT_FILE says. Its first byte:
   '-' nothing, 'r' read-only (EROFS), 'e' fsync fails (EIO) from the call on whose number follows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const volatile char *word = "-";

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_FILE");
    int fd = path ? open(path, O_RDONLY) : -1;
    if (fd < 0) return;
    void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) word = map;
    close(fd);
}

static int ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "valetkey.db") != NULL;
}

static int refused(int fd) {
    if (word[0] != 'r' || !ours(fd)) return 0;
    errno = EROFS;
    return 1;
}

static int unsynced(int fd) {
    static int calls;
    if (word[0] == 'r') return refused(fd);
    if (word[0] != 'e') {
        calls = 0;
        return 0;
    }
    if (!ours(fd) || __sync_add_and_fetch(&calls, 1) < atoi((const char *)word + 1)) return 0;
    errno = EIO;
    return 1;
}

#define NEXT(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    static __typeof__(&pwrite64) next;
    if (!next) next = NEXT(pwrite64);
    return refused(fd) ? -1 : next(fd, bytes, count, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
    static __typeof__(&write) next;
    if (!next) next = NEXT(write);
    return refused(fd) ? -1 : next(fd, bytes, count);
}
int ftruncate64(int fd, off64_t length) {
    static __typeof__(&ftruncate64) next;
    if (!next) next = NEXT(ftruncate64);
    return refused(fd) ? -1 : next(fd, length);
}
int fsync(int fd) {
    static __typeof__(&fsync) next;
    if (!next) next = NEXT(fsync);
    return unsynced(fd) ? -1 : next(fd);
}
int fdatasync(int fd) {
    static __typeof__(&fdatasync) next;
    if (!next) next = NEXT(fdatasync);
    return unsynced(fd) ? -1 : next(fd);
}
int open64(const char *path, int flags, ...) {
    static __typeof__(&open64) next;
    if (!next) next = NEXT(open64);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (word[0] == 'r' && (flags & (O_WRONLY | O_RDWR)) && strstr(path, "valetkey.db")) {
        errno = EROFS;
        return -1;
    }
    return next(path, flags, mode);
}
