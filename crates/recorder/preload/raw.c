/* The hook for `syscall`: libraries that go past libc's functions mostly still go through this one. Threads wait with
 * it (futex), so that a number of no interest must cost next to nothing. */
#include "log.h"
#include "modes.h"

struct raw_call {
    long number, a, b, c, d, e;
    int error;
    const void *caller;
};

static struct note note_of(const struct raw_call *call, u16 kind, u32 detail)
{
    return (struct note){.kind = kind, .detail = (u8)detail, .error = call->error, .caller = call->caller};
}

static void one(const struct raw_call *call, u16 kind, u32 detail, long directory, long path)
{
    log_path(note_of(call, kind, detail), (int)directory, (const char *)path);
}

static void two(const struct raw_call *call, long from_directory, long from, long to_directory, long to)
{
    log_pair(note_of(call, KIND_RENAME, 0), (int)from_directory, (const char *)from, (int)to_directory,
             (const char *)to);
}

static void blind(const struct raw_call *call)
{
    log_text(note_of(call, KIND_BLIND, 0), "/proc/self/exe");
}

/* Calls without a directory argument, which younger machines do not have. False if it is none of them. */
static bool note_old(const struct raw_call *call)
{
#ifdef __x86_64__
    const long here = AT_FDCWD;
    switch (call->number) {
    case SYS_open: one(call, KIND_OPEN, open_mode(call->b), here, call->a); return true;
    case SYS_creat: one(call, KIND_OPEN, MODE_WRITE | MODE_CREATE | MODE_TRUNCATE, here, call->a); return true;
    case SYS_stat: one(call, KIND_STAT, STAT_FOLLOW, here, call->a); return true;
    case SYS_lstat: one(call, KIND_STAT, 0, here, call->a); return true;
    case SYS_access: one(call, KIND_ACCESS, call->b & 7, here, call->a); return true;
    case SYS_readlink: one(call, KIND_READ_LINK, 0, here, call->a); return true;
    case SYS_getdents: log_descriptor(note_of(call, KIND_LIST, 0), (int)call->a); return true;
    case SYS_rename: two(call, here, call->a, here, call->b); return true;
    case SYS_mkdir: one(call, KIND_CREATE, CREATE_DIR, here, call->a); return true;
    case SYS_rmdir:
    case SYS_unlink: one(call, KIND_REMOVE, 0, here, call->a); return true;
    case SYS_link: one(call, KIND_CREATE, CREATE_LINK, here, call->b); return true;
    case SYS_symlink: one(call, KIND_CREATE, CREATE_SYMLINK, here, call->b); return true;
    case SYS_mknod: one(call, KIND_CREATE, CREATE_NODE, here, call->a); return true;
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
    case SYS_utime:
    case SYS_utimes: one(call, KIND_MODIFY, 0, here, call->a); return true;
    case SYS_futimesat: one(call, KIND_MODIFY, 0, call->a, call->b); return true;
    case SYS_time: log_ask(ASK_TIME, call->caller); return true;
    }
#endif
    (void)call;
    return false;
}

static bool note_file(const struct raw_call *call)
{
    switch (call->number) {
    case SYS_openat: one(call, KIND_OPEN, open_mode(call->c), call->a, call->b); return true;
    case SYS_openat2:
        one(call, KIND_OPEN, call->c ? open_mode(*(const long *)call->c) : 0, call->a, call->b);
        return true;
    case SYS_newfstatat: one(call, KIND_STAT, follows(call->d), call->a, call->b); return true;
    case SYS_statx: one(call, KIND_STAT, follows(call->c), call->a, call->b); return true;
    case SYS_statfs: log_ask(ASK_SPACE, call->caller); one(call, KIND_STAT, STAT_FOLLOW, AT_FDCWD, call->a); return true;
    case SYS_getxattr:
    case SYS_listxattr: log_ask(ASK_ATTRIBUTES, call->caller); one(call, KIND_STAT, STAT_FOLLOW, AT_FDCWD, call->a); return true;
    case SYS_lgetxattr:
    case SYS_llistxattr: log_ask(ASK_ATTRIBUTES, call->caller); one(call, KIND_STAT, 0, AT_FDCWD, call->a); return true;
    case SYS_faccessat:
    case SYS_faccessat2: one(call, KIND_ACCESS, call->c & 7, call->a, call->b); return true;
    case SYS_chdir: one(call, KIND_ACCESS, 1, AT_FDCWD, call->a); return true;
    case SYS_readlinkat: one(call, KIND_READ_LINK, 0, call->a, call->b); return true;
    case SYS_getdents64: log_descriptor(note_of(call, KIND_LIST, 0), (int)call->a); return true;
    }
    return false;
}

static bool note_change(const struct raw_call *call)
{
    switch (call->number) {
    case SYS_renameat:
    case SYS_renameat2: two(call, call->a, call->b, call->c, call->d); return true;
    case SYS_mkdirat: one(call, KIND_CREATE, CREATE_DIR, call->a, call->b); return true;
    case SYS_mknodat: one(call, KIND_CREATE, CREATE_NODE, call->a, call->b); return true;
    case SYS_unlinkat: one(call, KIND_REMOVE, 0, call->a, call->b); return true;
    case SYS_linkat:
        one(call, KIND_STAT, 0, call->a, call->b);
        one(call, KIND_CREATE, CREATE_LINK, call->c, call->d);
        return true;
    case SYS_symlinkat: one(call, KIND_CREATE, CREATE_SYMLINK, call->b, call->c); return true;
    case SYS_fchmodat:
    case SYS_fchmodat2:
    case SYS_fchownat:
    case SYS_utimensat: one(call, KIND_MODIFY, 0, call->a, call->b); return true;
    case SYS_setxattr:
    case SYS_lsetxattr: log_ask(ASK_ATTRIBUTES, call->caller); one(call, KIND_MODIFY, 0, AT_FDCWD, call->a); return true;
    case SYS_truncate: one(call, KIND_MODIFY, 0, AT_FDCWD, call->a); return true;
    }
    return false;
}

static bool note_ask(const struct raw_call *call)
{
    const void *caller = call->caller;
    switch (call->number) {
    case SYS_clock_gettime: log_ask(clock_ask(call->a), caller); return true;
    case SYS_gettimeofday: log_ask(ASK_TIME, caller); return true;
    case SYS_getrandom: log_ask(ASK_RANDOM, caller); return true;
    case SYS_getpid:
    case SYS_getppid: log_ask(ASK_PID, caller); return true;
    case SYS_uname: log_ask(ASK_HOST, caller); return true;
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid: log_ask(ASK_USER, caller); return true;
    case SYS_sched_getaffinity: log_ask(ASK_CPUS, caller); return true;
    case SYS_getrlimit:
    case SYS_prlimit64:
    case SYS_sysinfo: log_ask(ASK_LIMITS, caller); return true;
    case SYS_socket:
    case SYS_connect: log_ask(ASK_NETWORK, caller); return true;
    case SYS_getcwd: log_ask(ASK_CWD, caller); return true;
    case SYS_kill:
        if (!call->b)
            log_ask(ASK_OTHERS, caller);
        return true;
    case SYS_pidfd_open: log_ask(ASK_OTHERS, caller); return true;
    case SYS_rt_sigprocmask:
        if (call->c)
            log_ask(ASK_SIGNALS, caller);
        return true;
    case SYS_waitid:
        if (call->e)
            log_ask(ASK_MONOTONIC, caller);
        return true;
    }
    return false;
}

/* What neither looks at anything of the world nor changes a name in it: memory, threads, descriptors that are open already, waiting.
 * Everything else that is not known above is a look of which nobody knows what it sees. */
static bool is_harmless(long number)
{
#ifdef __aarch64__
    static const u16 known[] = {
        19,  20,  21,  22,  23,  24,  25,  26,  32,  46,  47,  57,  59,  62,  63,  64,  65,  66,  67,  68,  69,  70,
        71,  72,  73,  74,  76,  77,  80,  82,  83,  84,  85,  86,  93,  94,  96,  98,  99,  101, 115, 124, 130, 131, 134, 139, 199, 213, 214, 215, 216, 220, 222, 223, 226, 227, 178, 232, 233, 279, 283, 285, 286, 287,
        293, 424, 435, 436, 441, 449};
#else
    static const u16 known[] = {
        0,   1,   3,   5,   7,   8,   9,   10,  11,  12,  15,  17,  18,  19,  20,  22,  23,  24,  25,  26,  27,
        28,  32,  33,  34,  35,  40,  53,  56,  57,  58,  60,  72,  73,  74,  75,  77,  131, 158, 186, 187, 200, 202,
        218, 221, 230, 231, 232, 233, 234, 270, 271, 273, 275, 276, 277, 281, 282, 283, 284, 285, 286, 289, 290,
        291, 292, 293, 294, 295, 296, 319, 324, 326, 327, 328, 334, 424, 435, 436, 441, 449};
#endif
    for (u32 i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i] == number)
            return true;
    return false;
}

/* What would act out of our sight; written before the call, which may not return. */
static bool leaves_sight(long number)
{
    switch (number) {
    case SYS_execve:
    case SYS_execveat:
    case SYS_chroot:
    case SYS_open_by_handle_at:
    case SYS_io_uring_setup: return true;
    }
    return false;
}

/* What programs call all the time, and none of the functions above knows. */
static bool of_no_interest(long number)
{
    switch (number) {
#ifdef __aarch64__
    case 98: /* futex */
#else
    case 202:
#endif
    case 441: /* epoll_pwait2 */
    case 449: /* futex_waitv */ return true;
    }
    return false;
}

EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f);

static NOINLINE long watched(const struct raw_call *before, long f)
{
    struct raw_call call = *before;
    if (leaves_sight(call.number))
        blind(&call);
    long result = libc_result(kernel6(call.number, call.a, call.b, call.c, call.d, call.e, f));
    call.error = ERROR_IF(result == -1);
    bool known = note_file(&call) || note_ask(&call) || note_change(&call) || note_old(&call);
    /* One that this kernel does not have tells nothing but that. */
    if (!known && !is_harmless(call.number) && !leaves_sight(call.number) && call.error != ENOSYS)
        log_ask(ASK_UNKNOWN, call.caller);
    return result;
}

/* Variadic in C; the arguments are passed as if it were not. The last one lies on the caller's stack where there are
 * six registers: it may be anything there, and it must not be written to, as a call in place of a return would do.
 * So a call of no interest goes to the kernel from here. */
EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (LIKELY(of_no_interest(number)) || !recording())
        return libc_result(kernel6(number, a, b, c, d, e, f));
    return watched(&(struct raw_call){number, a, b, c, d, e, 0, CALLER}, f);
}
