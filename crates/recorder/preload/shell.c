/* Hooks for `system`, `popen` and their like: libc starts the shell inside itself, where no hook sees it. */
#include "exec.h"
#include "log.h"

#define SIGINT 2
#define SIGQUIT 3
#define SIGCHLD 17
#define SIG_BLOCK 0
#define SIG_SETMASK 2
#define SPAWN_SETSIGDEF 4
#define SPAWN_SETSIGMASK 8
#define EXIT_NOT_STARTED (127 << 8)

/* libc's types, as buffers that are larger than any libc's; all of them start with what is set here. */
union signal_set {
    u64 words[16];
};
union signal_action {
    u64 handler;
    u8 room[512];
};
union spawn_attributes {
    u64 alignment;
    u8 room[1024];
};

/* The libc functions `system` is made of; all null where one is missing. */
struct signals {
    int (*action)(int, const void *, void *);
    int (*mask)(int, const void *, void *);
    int (*wait)(int, int *, int);
    int (*init)(void *);
    int (*destroy)(void *);
    int (*set_default)(void *, const void *);
    int (*set_mask)(void *, const void *);
    int (*set_flags)(void *, short);
};

static bool find_signals(struct signals *signals)
{
    signals->action = (int (*)(int, const void *, void *))NEXT(sigaction);
    signals->mask = (int (*)(int, const void *, void *))NEXT(sigprocmask);
    signals->wait = (int (*)(int, int *, int))NEXT(waitpid);
    signals->init = (int (*)(void *))NEXT(posix_spawnattr_init);
    signals->destroy = (int (*)(void *))NEXT(posix_spawnattr_destroy);
    signals->set_default = (int (*)(void *, const void *))NEXT(posix_spawnattr_setsigdefault);
    signals->set_mask = (int (*)(void *, const void *))NEXT(posix_spawnattr_setsigmask);
    signals->set_flags = (int (*)(void *, short))NEXT(posix_spawnattr_setflags);
    return signals->action && signals->mask && signals->wait && signals->init && signals->destroy &&
           signals->set_default && signals->set_mask && signals->set_flags;
}

static u64 bit(int signal)
{
    return 1ul << (signal - 1);
}

/* The child gets back the caller's mask, and the default for what the caller had not ignored. */
static int spawn_shell(const struct signals *signals, const void *caller, const char *command, int *pid,
                       const union signal_set *mask, u64 defaults)
{
    char *const arguments[] = {"sh", "-c", "--", (char *)command, NULL};
    union spawn_attributes attributes = {0};
    union signal_set set = {{defaults}};
    signals->init(&attributes);
    signals->set_mask(&attributes, mask);
    signals->set_default(&attributes, &set);
    signals->set_flags(&attributes, SPAWN_SETSIGDEF | SPAWN_SETSIGMASK);
    int error = spawn_for(caller, pid, "/bin/sh", &attributes, arguments);
    signals->destroy(&attributes);
    return error;
}

/* POSIX's `system`: the caller ignores interrupts and keeps SIGCHLD waiting while the shell runs. */
static int run_shell(const struct signals *signals, const void *caller, const char *command)
{
    union signal_action ignore = {.room = {0}}, old_int = {0}, old_quit = {0};
    union signal_set block = {{bit(SIGCHLD)}}, old_mask = {{0}};
    int pid = -1, status = -1;
    ignore.handler = 1;
    signals->action(SIGINT, &ignore, &old_int);
    signals->action(SIGQUIT, &ignore, &old_quit);
    signals->mask(SIG_BLOCK, &block, &old_mask);
    u64 defaults = (old_int.handler == 1 ? 0 : bit(SIGINT)) | (old_quit.handler == 1 ? 0 : bit(SIGQUIT));
    if (spawn_shell(signals, caller, command, &pid, &old_mask, defaults))
        status = EXIT_NOT_STARTED;
    else
        while (signals->wait(pid, &status, 0) < 0)
            if (current_errno() != EINTR) {
                status = -1;
                break;
            }
    signals->action(SIGINT, &old_int, NULL);
    signals->action(SIGQUIT, &old_quit, NULL);
    signals->mask(SIG_SETMASK, &old_mask, NULL);
    return status;
}

HOOK(int, system, (const char *command), (command), refuse())
{
    struct signals signals;
    if (!follows_children() || !command || !find_signals(&signals))
        return next_system(command);
    return run_shell(&signals, CALLER, command);
}

/* What libc walks or starts inside itself, out of our sight: the run is not recorded. */
static void log_blind(const char *path, const void *caller)
{
    log_path((struct note){.kind = KIND_BLIND, .caller = caller}, AT_FDCWD, path && *path ? path : "/");
}

HOOK(void *, popen, (const char *command, const char *mode), (command, mode), refuse() ? NULL : NULL)
{
    return follows_children() ? popen_for(CALLER, command, mode) : next_popen(command, mode);
}

HOOK(void *, _IO_popen, (const char *command, const char *mode), (command, mode), refuse() ? NULL : NULL)
{
    return follows_children() ? popen_for(CALLER, command, mode) : next__IO_popen(command, mode);
}

HOOK(int, wordexp, (const char *words, void *result, int flags), (words, result, flags), refuse())
{
    log_blind("/bin/sh", CALLER);
    return next_wordexp(words, result, flags);
}

#define GLOB_ALTDIRFUNC (1 << 9)

HOOK(int, glob, (const char *pattern, int flags, void *error, void *result), (pattern, flags, error, result), refuse())
{
    /* With the caller's own functions for directories the hooks see everything. */
    if (!(flags & GLOB_ALTDIRFUNC))
        log_blind(pattern, CALLER);
    return next_glob(pattern, flags, error, result);
}

HOOK(int, glob64, (const char *pattern, int flags, void *error, void *result), (pattern, flags, error, result),
     refuse())
{
    if (!(flags & GLOB_ALTDIRFUNC))
        log_blind(pattern, CALLER);
    return next_glob64(pattern, flags, error, result);
}

#define WALK(name)                                                                                           \
    HOOK(int, name, (const char *root, void *visit, int limit, int flags), (root, visit, limit, flags), refuse()) \
    {                                                                                                        \
        log_blind(root, CALLER);                                                                             \
        return next_##name(root, visit, limit, flags);                                                       \
    }
WALK(ftw)
WALK(ftw64)
WALK(nftw)
WALK(nftw64)

#define OPEN_WALK(name)                                                                                              \
    HOOK(void *, name, (char *const *roots, int flags, void *compare), (roots, flags, compare), refuse() ? NULL : NULL) \
    {                                                                                                                \
        log_blind(roots ? roots[0] : NULL, CALLER);                                                                  \
        return next_##name(roots, flags, compare);                                                                   \
    }
OPEN_WALK(fts_open)
OPEN_WALK(fts64_open)

/* After these, a path no longer means what it means to us. */
#define MOVE(name, parameters, arguments, path)         \
    HOOK(int, name, parameters, arguments, refuse())    \
    {                                                   \
        log_blind(path, CALLER);                        \
        return next_##name arguments;                   \
    }                                                   \
    struct declared_##name
MOVE(chroot, (const char *path), (path), path);
MOVE(pivot_root, (const char *path, const char *old), (path, old), path);
MOVE(mount, (const char *source, const char *path, const char *type, u64 flags, const void *data),
     (source, path, type, flags, data), path);
MOVE(setns, (int descriptor, int type), (descriptor, type), "/proc/self/ns");

#define CLONE_NEWNS 0x20000

HOOK(int, unshare, (int flags), (flags), refuse())
{
    if (flags & CLONE_NEWNS)
        log_blind("/proc/self/ns", CALLER);
    return next_unshare(flags);
}
