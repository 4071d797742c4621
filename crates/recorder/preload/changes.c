/* Hooks for changing files by name: what a run creates, removes, renames or touches. */
#include "log.h"

/* As in files.c. */
#define WATCH(name, parameters, arguments, kind, detail, directory, path)       \
    HOOK(int, name, parameters, arguments, refuse())                            \
    {                                                                           \
        int result = next_##name arguments;                                     \
        log_path(NOTE(kind, detail, ERROR_IF(result < 0)), directory, path);    \
        return result;                                                          \
    }                                                                           \
    struct declared_##name

#define WATCH_DESCRIPTOR(name, parameters, arguments)                           \
    HOOK(int, name, parameters, arguments, refuse())                            \
    {                                                                           \
        int result = next_##name arguments;                                     \
        log_descriptor(NOTE(KIND_MODIFY, 0, ERROR_IF(result < 0)), descriptor); \
        return result;                                                          \
    }                                                                           \
    struct declared_##name

/* ---- Names ---- */

HOOK(int, rename, (const char *from, const char *to), (from, to), refuse())
{
    int result = next_rename(from, to);
    log_pair(NOTE(KIND_RENAME, 0, ERROR_IF(result < 0)), AT_FDCWD, from, AT_FDCWD, to);
    return result;
}

HOOK(int, renameat, (int from_directory, const char *from, int to_directory, const char *to),
     (from_directory, from, to_directory, to), refuse())
{
    int result = next_renameat(from_directory, from, to_directory, to);
    log_pair(NOTE(KIND_RENAME, 0, ERROR_IF(result < 0)), from_directory, from, to_directory, to);
    return result;
}

HOOK(int, renameat2, (int from_directory, const char *from, int to_directory, const char *to, u32 flags),
     (from_directory, from, to_directory, to, flags),
     libc_result(kernel(SYS_renameat2, from_directory, from, to_directory, to, flags)))
{
    int result = next_renameat2(from_directory, from, to_directory, to, flags);
    log_pair(NOTE(KIND_RENAME, 0, ERROR_IF(result < 0)), from_directory, from, to_directory, to);
    return result;
}

/* A hard link makes a name, and what it shows is what the other name shows. */
static void log_link(struct note note, int from_directory, const char *from, int to_directory, const char *to)
{
    struct note source = note;
    source.kind = KIND_STAT;
    source.detail = 0;
    if (from && !from[0])
        log_descriptor(source, from_directory);
    else
        log_path(source, from_directory, from);
    log_path(note, to_directory, to);
}

HOOK(int, link, (const char *from, const char *to), (from, to), refuse())
{
    int result = next_link(from, to);
    log_link(NOTE(KIND_CREATE, CREATE_LINK, ERROR_IF(result < 0)), AT_FDCWD, from, AT_FDCWD, to);
    return result;
}

HOOK(int, linkat, (int from_directory, const char *from, int to_directory, const char *to, int flags),
     (from_directory, from, to_directory, to, flags), refuse())
{
    int result = next_linkat(from_directory, from, to_directory, to, flags);
    log_link(NOTE(KIND_CREATE, CREATE_LINK, ERROR_IF(result < 0)), from_directory, from, to_directory, to);
    return result;
}

WATCH(symlink, (const char *target, const char *path), (target, path), KIND_CREATE, CREATE_SYMLINK, AT_FDCWD, path);
WATCH(symlinkat, (const char *target, int directory, const char *path), (target, directory, path), KIND_CREATE,
      CREATE_SYMLINK, directory, path);
WATCH(unlink, (const char *path), (path), KIND_REMOVE, 0, AT_FDCWD, path);
WATCH(unlinkat, (int directory, const char *path, int flags), (directory, path, flags), KIND_REMOVE, 0, directory,
      path);
WATCH(remove, (const char *path), (path), KIND_REMOVE, 0, AT_FDCWD, path);
WATCH(rmdir, (const char *path), (path), KIND_REMOVE, 0, AT_FDCWD, path);
WATCH(mkdir, (const char *path, u32 mode), (path, mode), KIND_CREATE, CREATE_DIR, AT_FDCWD, path);
WATCH(mkdirat, (int directory, const char *path, u32 mode), (directory, path, mode), KIND_CREATE, CREATE_DIR,
      directory, path);
WATCH(mknod, (const char *path, u32 mode, u64 device), (path, mode, device), KIND_CREATE, CREATE_NODE, AT_FDCWD, path);
WATCH(mknodat, (int directory, const char *path, u32 mode, u64 device), (directory, path, mode, device), KIND_CREATE,
      CREATE_NODE, directory, path);
WATCH(__xmknod, (int version, const char *path, u32 mode, void *device), (version, path, mode, device), KIND_CREATE,
      CREATE_NODE, AT_FDCWD, path);
WATCH(__xmknodat, (int version, int directory, const char *path, u32 mode, void *device),
      (version, directory, path, mode, device), KIND_CREATE, CREATE_NODE, directory, path);
WATCH(mkfifo, (const char *path, u32 mode), (path, mode), KIND_CREATE, CREATE_NODE, AT_FDCWD, path);
WATCH(mkfifoat, (int directory, const char *path, u32 mode), (directory, path, mode), KIND_CREATE, CREATE_NODE,
      directory, path);

/* ---- Temporary files: the name is what the template has become. ---- */

WATCH(mkstemp, (char *path), (path), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkstemp64, (char *path), (path), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkostemp, (char *path, int flags), (path, flags), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkostemp64, (char *path, int flags), (path, flags), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkstemps, (char *path, int suffix), (path, suffix), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkstemps64, (char *path, int suffix), (path, suffix), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkostemps, (char *path, int suffix, int flags), (path, suffix, flags), KIND_CREATE, CREATE_TEMP, AT_FDCWD, path);
WATCH(mkostemps64, (char *path, int suffix, int flags), (path, suffix, flags), KIND_CREATE, CREATE_TEMP, AT_FDCWD,
      path);

HOOK(char *, mkdtemp, (char *path), (path), refuse() ? NULL : NULL)
{
    char *result = next_mkdtemp(path);
    log_path(NOTE(KIND_CREATE, CREATE_TEMP_DIR, ERROR_IF(!result)), AT_FDCWD, path);
    return result;
}

/* Nameless, in the directory that libc has built in. */
#define WATCH_TMPFILE(name)                                                                 \
    HOOK(void *, name, (void), (), refuse() ? NULL : NULL)                                  \
    {                                                                                       \
        void *result = next_##name();                                                       \
        log_path(NOTE(KIND_CREATE, CREATE_TEMP, ERROR_IF(!result)), AT_FDCWD, "/tmp");      \
        return result;                                                                      \
    }
WATCH_TMPFILE(tmpfile)
WATCH_TMPFILE(tmpfile64)

/* ---- Contents and attributes ---- */

WATCH(truncate, (const char *path, long size), (path, size), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(truncate64, (const char *path, long size), (path, size), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(chmod, (const char *path, u32 mode), (path, mode), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(lchmod, (const char *path, u32 mode), (path, mode), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(fchmodat, (int directory, const char *path, u32 mode, int flags), (directory, path, mode, flags), KIND_MODIFY, 0,
      directory, path);
WATCH_DESCRIPTOR(fchmod, (int descriptor, u32 mode), (descriptor, mode));
WATCH(chown, (const char *path, u32 user, u32 group), (path, user, group), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(lchown, (const char *path, u32 user, u32 group), (path, user, group), KIND_MODIFY, 0, AT_FDCWD, path);
WATCH(fchownat, (int directory, const char *path, u32 user, u32 group, int flags),
      (directory, path, user, group, flags), KIND_MODIFY, 0, directory, path);
WATCH_DESCRIPTOR(fchown, (int descriptor, u32 user, u32 group), (descriptor, user, group));

#define WATCH_TIMES(name) \
    WATCH(name, (const char *path, const void *times), (path, times), KIND_MODIFY, 0, AT_FDCWD, path)
WATCH_TIMES(utime);
WATCH_TIMES(utimes);
WATCH_TIMES(lutimes);
WATCH_DESCRIPTOR(futimes, (int descriptor, const void *times), (descriptor, times));
WATCH_DESCRIPTOR(futimens, (int descriptor, const void *times), (descriptor, times));

#define WATCH_TIMESAT(name, parameters, arguments)                                          \
    HOOK(int, name, parameters, arguments, refuse())                                        \
    {                                                                                       \
        int result = next_##name arguments;                                                 \
        struct note note = NOTE(KIND_MODIFY, 0, ERROR_IF(result < 0));                      \
        /* Without a path it is the descriptor's own file. */                               \
        if (path)                                                                           \
            log_path(note, directory, path);                                                \
        else                                                                                \
            log_descriptor(note, directory);                                                \
        return result;                                                                      \
    }
WATCH_TIMESAT(futimesat, (int directory, const char *path, const void *times), (directory, path, times))
WATCH_TIMESAT(utimensat, (int directory, const char *path, const void *times, int flags),
              (directory, path, times, flags))

/* What is kept of a file has none. */
#define WATCH_ATTRIBUTES(name, parameters, arguments)                                       \
    HOOK(int, name, parameters, arguments, refuse())                                        \
    {                                                                                       \
        int result = next_##name arguments;                                                 \
        log_path(NOTE(KIND_MODIFY, 0, ERROR_IF(result < 0)), AT_FDCWD, path);               \
        log_ask(ASK_ATTRIBUTES, CALLER);                                                    \
        return result;                                                                      \
    }
#define WATCH_SETXATTR(name)                                                                                    \
    WATCH_ATTRIBUTES(name, (const char *path, const char *attribute, const void *value, u64 size, int flags),   \
                     (path, attribute, value, size, flags))
WATCH_SETXATTR(setxattr)
WATCH_SETXATTR(lsetxattr)
WATCH_ATTRIBUTES(removexattr, (const char *path, const char *attribute), (path, attribute))
WATCH_ATTRIBUTES(lremovexattr, (const char *path, const char *attribute), (path, attribute))
