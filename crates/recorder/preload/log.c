/* The log is one file in memory that all processes of the run map. A record's place is taken by an atomic addition to
 * the tail and the record is valid once its size has been stored, so that no lock and no system call is needed and a
 * killed process leaves everything it had written.
 *
 * Record: u32 size (0 until written), u16 kind, u8 caller, u8 detail, u32 process, i32 errno, u32 extra,
 * u32 bytes of the first text, u32 bytes of the second, the texts, zeros up to a multiple of 8. */
#include "log.h"
#include "elf.h"

struct head {
    u64 magic, capacity, tail;
    u32 next_serial, flags;
    u64 kiln_inode;
    u32 kiln_device_major, kiln_device_minor;
};
struct record {
    u32 size;
    u16 kind;
    u8 by, detail;
    u32 process;
    int error;
    u32 extra, first_size, second_size;
    char text[];
};

#define PROT_READ_WRITE 3
#define MAP_SHARED 1
#define SEEK_END 2
#define STATX_INODE 0x100

static struct head *log_head;
static u64 log_capacity;
static u32 serial;
static bool started;

bool open_log(const char *path, u32 process_serial)
{
    long file = kernel(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0)
        return false;
    long size = kernel(SYS_lseek, file, 0, SEEK_END);
    long mapped = -1;
    if (size > LOG_RECORDS)
        mapped = kernel(SYS_mmap, 0, size, PROT_READ_WRITE, MAP_SHARED, file, 0);
    kernel(SYS_close, file);
    if (mapped < 0 && mapped >= -4095)
        return false;
    struct head *head = (struct head *)mapped;
    if (head->magic != LOG_MAGIC || head->capacity > (u64)size)
        return false;
    log_head = head;
    log_capacity = head->capacity;
    serial = process_serial;
    return true;
}

void start_recording(void)
{
    __atomic_store_n(&started, true, __ATOMIC_RELEASE);
}

bool recording(void)
{
    return __atomic_load_n(&started, __ATOMIC_RELAXED);
}

u32 new_serial(void)
{
    return __atomic_fetch_add(&log_head->next_serial, 1, __ATOMIC_RELAXED);
}

void lose(u32 flag)
{
    __atomic_fetch_or(&log_head->flags, flag, __ATOMIC_RELAXED);
}

bool is_kiln(int directory, const char *path)
{
    u8 facts[256];
    u64 inode;
    u32 major, minor;
    if (!log_head->kiln_inode || kernel(SYS_statx, directory, path, 0, STATX_INODE, facts) < 0)
        return false;
    memcpy(&inode, facts + 32, sizeof(inode));
    memcpy(&major, facts + 136, sizeof(major));
    memcpy(&minor, facts + 140, sizeof(minor));
    return inode == log_head->kiln_inode && major == log_head->kiln_device_major &&
           minor == log_head->kiln_device_minor;
}

static struct record *reserve(u64 text_size)
{
    u64 size = (sizeof(struct record) + text_size + 7) & ~7ul;
    /* Looked at first, so that a full log does not count on towards the end of the numbers. */
    if (size < log_capacity && __atomic_load_n(&log_head->tail, __ATOMIC_RELAXED) <= log_capacity - size) {
        u64 at = __atomic_fetch_add(&log_head->tail, size, __ATOMIC_RELAXED);
        if (at <= log_capacity - size)
            return (struct record *)((char *)log_head + at);
    }
    lose(FLAG_OVERFLOW);
    return NULL;
}

void log_spans(struct note note, const struct span *spans, u32 first, u32 count)
{
    u64 first_size = 0, total = 0;
    for (u32 i = 0; i < count; i++) {
        total += spans[i].size;
        if (i < first)
            first_size += spans[i].size;
    }
    struct record *record = reserve(total);
    if (!record)
        return;
    record->kind = note.kind;
    record->by = (u8)(note.caller ? caller_kind(note.caller) : BY_COMPILER);
    record->detail = note.detail;
    record->process = serial;
    record->error = note.error;
    record->extra = note.extra;
    record->first_size = (u32)first_size;
    record->second_size = (u32)(total - first_size);
    char *to = record->text;
    for (u32 i = 0; i < count; i++) {
        memcpy(to, spans[i].text, spans[i].size);
        to += spans[i].size;
    }
    u32 size = (u32)((sizeof(struct record) + total + 7) & ~7ul);
    __atomic_store_n(&record->size, size, __ATOMIC_RELEASE);
}

void log_text(struct note note, const char *text)
{
    struct span span = {text, strlen(text)};
    log_spans(note, &span, 1, 1);
}

/* The directory that a relative path starts from, 0 if there is none (the call itself then failed), -1 if it cannot
 * be told: it is outside our root, or /proc is not there. Asked anew every time, since a child made by vfork changes
 * its own directory while it shares our memory. */
static long directory_of(int directory, char base[PATH_LIMIT])
{
    long size;
    if (directory == AT_FDCWD) {
        size = kernel(SYS_getcwd, base, PATH_LIMIT) - 1;
    } else {
        char link[32] = "/proc/self/fd/";
        if (directory < 0)
            return 0;
        *write_decimal(link + strlen(link), (u64)directory) = 0;
        size = kernel(SYS_readlinkat, AT_FDCWD, link, base, PATH_LIMIT);
    }
    if (size <= 0 || size >= PATH_LIMIT || base[0] != '/')
        return -1;
    return size;
}

/* What is left of a path behind a prefix and the slashes after it; NULL if it does not begin so, or nothing is left. */
static const char *behind(const char *path, const char *prefix)
{
    while (*prefix)
        if (*path++ != *prefix++)
            return NULL;
    while (*path == '/')
        path++;
    return *path ? path : NULL;
}

/* A path below one of the process's own doors (`/proc/self/cwd/x`) leads to a directory that only this process can tell:
 * the rest of it, and the directory in which that is to be found. Any other path as it is. */
static const char *through_own_door(const char *path, int *directory)
{
    const char *rest = behind(path, "/proc/self/");
    if (!rest)
        rest = behind(path, "/proc/thread-self/");
    const char *inside = rest ? behind(rest, "cwd/") : NULL;
    if (inside) {
        *directory = AT_FDCWD;
        return inside;
    }
    inside = rest ? behind(rest, "root/") : NULL;
    if (inside)
        return inside - 1;
    const char *number = rest ? behind(rest, "fd/") : behind(path, "/dev/fd/");
    if (!number)
        return path;
    int descriptor = 0;
    for (; *number >= '0' && *number <= '9' && descriptor < 1 << 24; number++)
        descriptor = descriptor * 10 + (*number - '0');
    inside = behind(number, "/");
    if (!inside)
        return path;
    *directory = descriptor;
    return inside;
}

/* Up to three spans that make up the absolute path; their number, 0 if there is nothing to say. */
static u32 absolute_path(struct span spans[3], char base[PATH_LIMIT], int directory, const char *path)
{
    path = through_own_door(path, &directory);
    if (path[0] == '/') {
        spans[0] = (struct span){path, strlen(path)};
        return 1;
    }
    long size = directory_of(directory, base);
    if (size < 0)
        lose(FLAG_LOST);
    if (size <= 0)
        return 0;
    spans[0] = (struct span){base, size == 1 ? 0 : (u64)size};
    spans[1] = (struct span){"/", path[0] ? 1 : 0};
    spans[2] = (struct span){path, strlen(path)};
    return 3;
}

/* Apart, because a hook may run on a small signal stack, and absolute paths need no buffer. */
static NOINLINE void log_relative(struct note note, int directory, const char *path)
{
    char base[PATH_LIMIT];
    struct span spans[3];
    u32 count = absolute_path(spans, base, directory, path);
    if (count)
        log_spans(note, spans, count, count);
}

void log_path(struct note note, int directory, const char *path)
{
    if (!recording() || !path || note.error == EFAULT || note.error == EBADF || !path[0])
        return;
    path = through_own_door(path, &directory);
    if (path[0] == '/')
        log_text(note, path);
    else
        log_relative(note, directory, path);
}

static NOINLINE void log_two(struct note note, int from_directory, const char *from, int to_directory, const char *to)
{
    char from_base[PATH_LIMIT], to_base[PATH_LIMIT];
    struct span spans[6];
    u32 first = absolute_path(spans, from_base, from_directory, from);
    u32 second = absolute_path(spans + first, to_base, to_directory, to);
    if (first && second)
        log_spans(note, spans, first, first + second);
}

void log_pair(struct note note, int from_directory, const char *from, int to_directory, const char *to)
{
    if (recording() && from && to && note.error != EFAULT && note.error != EBADF)
        log_two(note, from_directory, from, to_directory, to);
}

void log_module(struct note note, const char *path, const char *text)
{
    char base[PATH_LIMIT];
    struct span spans[4];
    u32 count = absolute_path(spans, base, AT_FDCWD, path);
    spans[count] = (struct span){text, strlen(text)};
    if (count)
        log_spans(note, spans, count, count + 1);
}

static NOINLINE void log_file_behind(struct note note, int descriptor)
{
    char path[PATH_LIMIT];
    long size = directory_of(descriptor, path);
    struct span span = {path, (u64)size};
    /* A pipe or a socket has no path, and what is done to it changes no file. */
    if (size > 0)
        log_spans(note, &span, 1, 1);
}

void log_descriptor(struct note note, int descriptor)
{
    if (recording() && descriptor >= 0 && note.error != EBADF)
        log_file_behind(note, descriptor);
}

static u8 asked[2][ASK_COUNT];

void log_ask(u32 ask, const void *caller)
{
    if (!recording() || (asked[BY_COMPILER][ask] && asked[BY_LOADED][ask]))
        return;
    u32 by = caller_kind(caller);
    if (__atomic_exchange_n(&asked[by][ask], 1, __ATOMIC_RELAXED))
        return;
    log_spans((struct note){.kind = KIND_ASK, .detail = (u8)ask, .caller = caller}, NULL, 0, 0);
}

/* The names already written, by hash; full or crowded, it only costs repeated records. */
#define SEEN_LIMIT 1024
#define SEEN_PROBES 8
static u64 seen[SEEN_LIMIT];

static bool seen_before(u64 hash)
{
    for (u32 probe = 0; probe < SEEN_PROBES; probe++) {
        u64 *slot = &seen[(hash + probe) % SEEN_LIMIT];
        u64 there = __atomic_load_n(slot, __ATOMIC_RELAXED);
        if (!there && __atomic_compare_exchange_n(slot, &there, hash, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return false;
        if (there == hash)
            return true;
    }
    return false;
}

void log_getenv(const char *name, const void *caller)
{
    if (!recording() || !name)
        return;
    u64 hash = 14695981039346656037ul + caller_kind(caller);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (u8)*c) * 1099511628211ul;
    if (!seen_before(hash ? hash : 1))
        log_text((struct note){.kind = KIND_GETENV, .caller = caller}, name);
}
