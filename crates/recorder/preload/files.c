/* Hooks for looking at files: opening, asking about, listing, loading. */
#include "exec.h"
#include "log.h"
#include "modes.h"

/* Opens the definition of a hook that calls the real function and then writes one record of one path. */
#define WATCH(type, name, parameters, arguments, kind, detail, directory, path) \
    HOOK(type, name, parameters, arguments, refuse())                           \
    {                                                                           \
        type result = next_##name arguments;                                    \
        log_path(NOTE(kind, detail, ERROR_IF((long)result < 0)), directory, path); \
        return result;                                                          \
    }                                                                           \
    struct declared_##name

/* The same for functions whose failure is a null pointer. */
#define WATCH_POINTER(type, name, parameters, arguments, kind, detail, path)        \
    HOOK(type, name, parameters, arguments, refuse() ? NULL : NULL)                 \
    {                                                                               \
        type result = next_##name arguments;                                        \
        log_path(NOTE(kind, detail, ERROR_IF(!result)), AT_FDCWD, path);            \
        return result;                                                              \
    }                                                                               \
    struct declared_##name

/* ---- Opening ---- */

/* `mode` is variadic in C; on the machines we know it is passed like any third argument, and passed on likewise. */
#define WATCH_OPEN(name)                                                                                              \
    WATCH(int, name, (const char *path, int flags, u32 mode), (path, flags, mode), KIND_OPEN, open_mode(flags), AT_FDCWD, \
          path)
WATCH_OPEN(open);
WATCH_OPEN(open64);
WATCH_OPEN(__open);
WATCH_OPEN(__open64);

#define WATCH_OPENAT(name)                                                                                     \
    WATCH(int, name, (int directory, const char *path, int flags, u32 mode), (directory, path, flags, mode), \
          KIND_OPEN, open_mode(flags), directory, path)
WATCH_OPENAT(openat);
WATCH_OPENAT(openat64);

#define WATCH_CREAT(name)                                                       \
    WATCH(int, name, (const char *path, u32 mode), (path, mode), KIND_OPEN,     \
          MODE_WRITE | MODE_CREATE | MODE_TRUNCATE, AT_FDCWD, path)
WATCH_CREAT(creat);
WATCH_CREAT(creat64);

#define WATCH_OPEN_2(name) \
    WATCH(int, name, (const char *path, int flags), (path, flags), KIND_OPEN, open_mode(flags), AT_FDCWD, path)
WATCH_OPEN_2(__open_2);
WATCH_OPEN_2(__open64_2);

#define WATCH_OPENAT_2(name)                                                                               \
    WATCH(int, name, (int directory, const char *path, int flags), (directory, path, flags), KIND_OPEN, \
          open_mode(flags), directory, path)
WATCH_OPENAT_2(__openat_2);
WATCH_OPENAT_2(__openat64_2);

/* fopen's letters. */
static u8 stream_mode(const char *letters)
{
    u8 mode = 0;
    if (!letters)
        return 0;
    switch (letters[0]) {
    case 'r': mode = MODE_READ; break;
    case 'w': mode = MODE_WRITE | MODE_CREATE | MODE_TRUNCATE; break;
    case 'a': mode = MODE_WRITE | MODE_CREATE; break;
    }
    for (; *letters && *letters != ','; letters++) {
        mode |= *letters == '+' ? MODE_READ | MODE_WRITE : 0;
        mode |= *letters == 'x' ? MODE_EXCLUSIVE : 0;
    }
    return mode;
}

#define WATCH_FOPEN(name)                                                                                        \
    WATCH_POINTER(void *, name, (const char *path, const char *mode), (path, mode), KIND_OPEN, stream_mode(mode), path)
WATCH_FOPEN(fopen);
WATCH_FOPEN(fopen64);
WATCH_FOPEN(_IO_fopen);

#define WATCH_FREOPEN(name)                                                                                       \
    WATCH_POINTER(void *, name, (const char *path, const char *mode, void *stream), (path, mode, stream), KIND_OPEN, \
                  stream_mode(mode), path)
WATCH_FREOPEN(freopen);
WATCH_FREOPEN(freopen64);

WATCH_FOPEN(setmntent);
WATCH_FOPEN(__setmntent);

/* The name is looked up in the system's own directory. */
HOOK(int, shm_open, (const char *name, int flags, u32 mode), (name, flags, mode), refuse())
{
    int result = next_shm_open(name, flags, mode);
    int error = ERROR_IF(result < 0);
    struct span spans[] = {{"/dev/shm/", 9}, {name, name ? strlen(name) : 0}};
    if (recording() && name)
        log_spans(NOTE(KIND_OPEN, open_mode(flags), error), spans, 2, 2);
    return result;
}

/* ---- Listing ---- */

WATCH_POINTER(void *, opendir, (const char *path), (path), KIND_LIST, 0, path);

HOOK(void *, fdopendir, (int descriptor), (descriptor), refuse() ? NULL : NULL)
{
    void *result = next_fdopendir(descriptor);
    log_descriptor(NOTE(KIND_LIST, 0, ERROR_IF(!result)), descriptor);
    return result;
}

HOOK(long, getdents64, (int descriptor, void *to, u64 size), (descriptor, to, size), refuse())
{
    long result = next_getdents64(descriptor, to, size);
    log_descriptor(NOTE(KIND_LIST, 0, ERROR_IF(result < 0)), descriptor);
    return result;
}

#define WATCH_ENTRIES(name)                                                                         \
    HOOK(long, name, (int descriptor, void *to, u64 size, long *at), (descriptor, to, size, at), refuse()) \
    {                                                                                               \
        long result = next_##name(descriptor, to, size, at);                                        \
        log_descriptor(NOTE(KIND_LIST, 0, ERROR_IF(result < 0)), descriptor);                       \
        return result;                                                                              \
    }
WATCH_ENTRIES(getdirentries)
WATCH_ENTRIES(getdirentries64)
/* musl's name of getdents64. */
WATCH_ENTRIES(getdents)

#define WATCH_SCANDIR(name)                                                                                     \
    WATCH(int, name, (const char *path, void *list, void *choose, void *compare), (path, list, choose, compare), \
          KIND_LIST, 0, AT_FDCWD, path)
WATCH_SCANDIR(scandir);
WATCH_SCANDIR(scandir64);

#define WATCH_SCANDIRAT(name)                                                                     \
    WATCH(int, name, (int directory, const char *path, void *list, void *choose, void *compare), \
          (directory, path, list, choose, compare), KIND_LIST, 0, directory, path)
WATCH_SCANDIRAT(scandirat);
WATCH_SCANDIRAT(scandirat64);

/* ---- Asking about ---- */

#define WATCH_STAT(name, follow) \
    WATCH(int, name, (const char *path, void *facts), (path, facts), KIND_STAT, follow, AT_FDCWD, path)
WATCH_STAT(stat, STAT_FOLLOW);
WATCH_STAT(stat64, STAT_FOLLOW);
WATCH_STAT(lstat, 0);
WATCH_STAT(lstat64, 0);

/* What libselinux looks at to see whether files have labels, wherever it is loaded. */
static bool is_place_of_labels(const char *path)
{
    return path && (starts_with(path, "/sys/fs/selinux") || starts_with(path, "/selinux"));
}

/* The file system a path is on: how full it is, above all. */
#define WATCH_SPACE(name)                                                                   \
    HOOK(int, name, (const char *path, void *facts), (path, facts), refuse())               \
    {                                                                                       \
        int result = next_##name(path, facts);                                              \
        log_path(NOTE(KIND_STAT, STAT_FOLLOW, ERROR_IF(result < 0)), AT_FDCWD, path);       \
        if (!is_place_of_labels(path))                                                      \
            log_ask(ASK_SPACE, CALLER);                                                     \
        return result;                                                                      \
    }
WATCH_SPACE(statfs)
WATCH_SPACE(__statfs)
WATCH_SPACE(statfs64)
WATCH_SPACE(statvfs)
WATCH_SPACE(statvfs64)

#define WATCH_XSTAT(name, follow)                                                                                    \
    WATCH(int, name, (int version, const char *path, void *facts), (version, path, facts), KIND_STAT, follow, AT_FDCWD, \
          path)
WATCH_XSTAT(__xstat, STAT_FOLLOW);
WATCH_XSTAT(__xstat64, STAT_FOLLOW);
WATCH_XSTAT(__lxstat, 0);
WATCH_XSTAT(__lxstat64, 0);

#define WATCH_STATAT(name)                                                                                       \
    WATCH(int, name, (int directory, const char *path, void *facts, int flags), (directory, path, facts, flags), \
          KIND_STAT, follows(flags), directory, path)
WATCH_STATAT(fstatat);
WATCH_STATAT(fstatat64);

#define WATCH_XSTATAT(name)                                                                     \
    WATCH(int, name, (int version, int directory, const char *path, void *facts, int flags),   \
          (version, directory, path, facts, flags), KIND_STAT, follows(flags), directory, path)
WATCH_XSTATAT(__fxstatat);
WATCH_XSTATAT(__fxstatat64);

HOOK(int, statx, (int directory, const char *path, int flags, u32 mask, void *facts),
     (directory, path, flags, mask, facts), libc_result(kernel(SYS_statx, directory, path, flags, mask, facts)))
{
    int result = next_statx(directory, path, flags, mask, facts);
    log_path(NOTE(KIND_STAT, follows(flags), ERROR_IF(result < 0)), directory, path);
    return result;
}

#define WATCH_ACCESS(name) \
    WATCH(int, name, (const char *path, int mode), (path, mode), KIND_ACCESS, mode & 7, AT_FDCWD, path)
WATCH_ACCESS(access);
WATCH_ACCESS(euidaccess);
WATCH_ACCESS(eaccess);
WATCH(int, faccessat, (int directory, const char *path, int mode, int flags), (directory, path, mode, flags),
      KIND_ACCESS, mode & 7, directory, path);
/* Whether one may go there is asked by going. */
WATCH(int, chdir, (const char *path), (path), KIND_ACCESS, 1, AT_FDCWD, path);

WATCH(long, readlink, (const char *path, char *to, u64 size), (path, to, size), KIND_READ_LINK, 0, AT_FDCWD, path);
WATCH(long, readlinkat, (int directory, const char *path, char *to, u64 size), (directory, path, to, size),
      KIND_READ_LINK, 0, directory, path);
WATCH(long, __readlink_chk, (const char *path, char *to, u64 size, u64 room), (path, to, size, room), KIND_READ_LINK,
      0, AT_FDCWD, path);
WATCH(long, __readlinkat_chk, (int directory, const char *path, char *to, u64 size, u64 room),
      (directory, path, to, size, room), KIND_READ_LINK, 0, directory, path);

WATCH_POINTER(char *, realpath, (const char *path, char *to), (path, to), KIND_REAL_PATH, 0, path);
WATCH_POINTER(char *, __realpath_chk, (const char *path, char *to, u64 room), (path, to, room), KIND_REAL_PATH, 0,
              path);
WATCH_POINTER(char *, canonicalize_file_name, (const char *path), (path), KIND_REAL_PATH, 0, path);

/* What they answer is the file system's affair; whether the file is there is not. */
WATCH(long, pathconf, (const char *path, int name), (path, name), KIND_STAT, STAT_FOLLOW, AT_FDCWD, path);
WATCH(int, inotify_add_watch, (int descriptor, const char *path, u32 mask), (descriptor, path, mask), KIND_STAT,
      STAT_FOLLOW, AT_FDCWD, path);

/* No question stands for what an attribute says. */
#define WATCH_ATTRIBUTES(name, parameters, arguments, follow)                               \
    HOOK(long, name, parameters, arguments, refuse())                                       \
    {                                                                                       \
        long result = next_##name arguments;                                                \
        log_path(NOTE(KIND_STAT, follow, ERROR_IF(result < 0)), AT_FDCWD, path);            \
        log_ask(ASK_ATTRIBUTES, CALLER);                                                    \
        return result;                                                                      \
    }
#define WATCH_GETXATTR(name, follow)                                                                    \
    WATCH_ATTRIBUTES(name, (const char *path, const char *attribute, void *to, u64 size), (path, attribute, to, size), \
                     follow)
WATCH_GETXATTR(getxattr, STAT_FOLLOW)
WATCH_GETXATTR(lgetxattr, 0)
WATCH_ATTRIBUTES(listxattr, (const char *path, char *to, u64 size), (path, to, size), STAT_FOLLOW)
WATCH_ATTRIBUTES(llistxattr, (const char *path, char *to, u64 size), (path, to, size), 0)

/* ---- Loading ---- */

#define R_OK 4

/* Written before the call, which must be the last thing its hook does: what ld.so finds depends on the address it is
 * called from. Whether a file of that path could be read stands in for the result. */
static NOINLINE void log_load(const char *file, const void *caller)
{
    bool path = false;
    if (!recording() || !file || !*file)
        return;
    loaded_late = true;
    struct note note = {.kind = KIND_LOAD, .caller = caller};
    for (const char *c = file; *c; c++)
        path |= *c == '/';
    if (path)
        note.error = (int)-kernel(SYS_faccessat, AT_FDCWD, file, R_OK);
    if (path)
        log_path(note, AT_FDCWD, file);
    else
        log_text(note, file);
}

HOOK(void *, dlopen, (const char *file, int flags), (file, flags), NULL)
{
    log_load(file, CALLER);
    return next_dlopen(file, flags);
}

/* A namespace of its own has its own libc, which has no hooks. */
static NOINLINE void log_namespace(long namespace, const char *file, const void *caller)
{
    log_load(file, caller);
    if (namespace != 0)
        log_path((struct note){.kind = KIND_BLIND, .caller = caller}, AT_FDCWD, file ? file : "/");
}

HOOK(void *, dlmopen, (long namespace, const char *file, int flags), (namespace, file, flags), NULL)
{
    log_namespace(namespace, file, CALLER);
    return next_dlmopen(namespace, file, flags);
}
