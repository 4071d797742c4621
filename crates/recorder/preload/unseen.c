/* Hooks for functions that look at something inside libc: what they see no record could tell, or it takes several to tell it. */
#include "asks.h"
#include "modes.h"

/* ---- Other names of what asks.c knows ---- */

LOOK(__gettimeofday, ASK_TIME, refuse());
LOOK(__adjtimex, ASK_TIME, refuse());
LOOK(__getpid, ASK_PID, kernel(SYS_getpid));
LOOK(__getpgid, ASK_PID, refuse());
LOOK(__bsd_getpgrp, ASK_PID, refuse());
LOOK(__getgroups_chk, ASK_USER, refuse());
LOOK(__getlogin_r_chk, ASK_USER, ENOSYS);
LOOK(__getdomainname_chk, ASK_HOST, refuse());
LOOK(__getwd_chk, ASK_CWD, 0);
LOOK(__gmtime_r, ASK_UTC, 0);
LOOK(__sched_getparam, ASK_LIMITS, refuse());
LOOK(__sched_getscheduler, ASK_LIMITS, refuse());
LOOK(__connect, ASK_NETWORK, refuse());
LOOK(__mq_open_2, ASK_OTHERS, refuse());
LOOK(__x86_get_cpuid_feature_leaf, ASK_PROCESSOR, 0);

/* ---- The moment ---- */

LOOK(adjtime, ASK_TIME, refuse());
LOOK(clock_adjtime, ASK_TIME, refuse());
LOOK(clock_getres, ASK_MONOTONIC, refuse());
LOOK(timespec_getres, ASK_MONOTONIC, 0);
/* A timer outlives an exec. */
LOOK(alarm, ASK_MONOTONIC, 0);
LOOK(ualarm, ASK_MONOTONIC, 0);
LOOK(getitimer, ASK_MONOTONIC, refuse());
ASK_IF(int, setitimer, (int which, const void *set, void *old), (which, set, old), old, ASK_MONOTONIC, refuse());
LOOK(timer_gettime, ASK_MONOTONIC, refuse());
LOOK(timerfd_gettime, ASK_MONOTONIC, refuse());
LOOK(timelocal, ASK_HOST, refuse());
LOOK(getdate, ASK_HOST, 0);
LOOK(getdate_r, ASK_HOST, 0);

/* Whether a format names the zone, or the seconds since 1970, which are reckoned by it. */
static bool tells_zone(const char *format)
{
    for (; format && *format; format++) {
        if (*format != '%')
            continue;
        for (format++; *format == '_' || *format == '-' || *format == '^' || *format == '#' || *format == ':' ||
                       *format == 'E' || *format == 'O' || *format == '+' || (*format >= '0' && *format <= '9');)
            format++;
        if (!*format)
            return false;
        if (*format == 's' || *format == 'Z' || *format == 'z' || *format == 'c')
            return true;
    }
    return false;
}

#define ASK_FORMAT(name)                                                                                        \
    ASK_IF(u64, name, (char *to, u64 size, const char *format, const void *time, void *locale),                 \
           (to, size, format, time, locale), tells_zone(format), ASK_HOST, 0)
ASK_FORMAT(strftime);
ASK_FORMAT(strftime_l);
ASK_FORMAT(__strftime_l);
#define ASK_PARSE(name)                                                                                         \
    ASK_IF(char *, name, (const char *from, const char *format, void *time, void *locale),                      \
           (from, format, time, locale), tells_zone(format), ASK_HOST, NULL)
ASK_PARSE(strptime);
ASK_PARSE(strptime_l);
LOOK(wcsftime, ASK_HOST, 0);
LOOK(wcsftime_l, ASK_HOST, 0);
LOOK(__wcsftime_l, ASK_HOST, 0);

/* ---- The process and its user ---- */

LOOK(setuid, ASK_USER, refuse());
LOOK(seteuid, ASK_USER, refuse());
LOOK(setreuid, ASK_USER, refuse());
LOOK(setresuid, ASK_USER, refuse());
LOOK(setfsuid, ASK_USER, refuse());
LOOK(setgid, ASK_USER, refuse());
LOOK(setegid, ASK_USER, refuse());
LOOK(setregid, ASK_USER, refuse());
LOOK(setresgid, ASK_USER, refuse());
LOOK(setfsgid, ASK_USER, refuse());
LOOK(setgroups, ASK_USER, refuse());
LOOK(initgroups, ASK_USER, refuse());
LOOK(capset, ASK_USER, refuse());
LOOK(group_member, ASK_USER, 0);
LOOK(getpw, ASK_USER, refuse());
#define LOOK_ENTRY_R(name) LOOK(name, ASK_USER, ENOSYS)
LOOK_ENTRY_R(getpwent_r);
LOOK_ENTRY_R(getgrent_r);
LOOK_ENTRY_R(getspent_r);
LOOK_ENTRY_R(getspnam_r);
LOOK_ENTRY_R(getsgent_r);
LOOK_ENTRY_R(getsgnam_r);
LOOK(getsgent, ASK_USER, 0);
LOOK(getsgnam, ASK_USER, 0);
LOOK(lckpwdf, ASK_USER, refuse());
LOOK(getutent_r, ASK_USER, refuse());
LOOK(getutid_r, ASK_USER, refuse());
LOOK(getutline_r, ASK_USER, refuse());
LOOK(getutid, ASK_USER, 0);
LOOK(getutxid, ASK_USER, 0);
LOOK(getutline, ASK_USER, 0);
LOOK(getutxline, ASK_USER, 0);
LOOK(pututline, ASK_USER, 0);
LOOK(pututxline, ASK_USER, 0);
LOOK(updwtmp, ASK_USER, 0);
LOOK(updwtmpx, ASK_USER, 0);
LOOK(setsid, ASK_PID, refuse());
LOOK(sigpending, ASK_SIGNALS, refuse());
LOOK(sigblock, ASK_SIGNALS, refuse());
LOOK(sigsetmask, ASK_SIGNALS, refuse());
LOOK(siggetmask, ASK_SIGNALS, refuse());
LOOK(sigvec, ASK_SIGNALS, refuse());
LOOK(ssignal, ASK_SIGNALS, refuse());

LOOK(sched_getattr, ASK_LIMITS, refuse());
LOOK(pthread_attr_getstacksize, ASK_LIMITS, ENOSYS);
LOOK(pthread_getattr_default_np, ASK_LIMITS, ENOSYS);
LOOK_REFUSED(setrlimit, ASK_LIMITS);
LOOK_REFUSED(setrlimit64, ASK_LIMITS);
LOOK_REFUSED(setpriority, ASK_LIMITS);
LOOK_REFUSED(sched_setscheduler, ASK_LIMITS);
LOOK_REFUSED(__sched_setscheduler, ASK_LIMITS);
LOOK_REFUSED(sched_setparam, ASK_LIMITS);
LOOK_REFUSED(mlock, ASK_LIMITS);
LOOK_REFUSED(mlock2, ASK_LIMITS);
LOOK_REFUSED(mlockall, ASK_LIMITS);
LOOK(pthread_attr_getaffinity_np, ASK_CPUS, ENOSYS);
LOOK_REFUSED(sched_setaffinity, ASK_CPUS);
LOOK(pthread_setaffinity_np, ASK_CPUS, ENOSYS);
LOOK(pthread_setschedparam, ASK_LIMITS, ENOSYS);
LOOK(pthread_setschedprio, ASK_LIMITS, ENOSYS);

/* ---- Other processes, and what they left ---- */

/* Without a signal it asks whether there is such a process. */
ASK_IF(int, kill, (int pid, int signal), (pid, signal), !signal, ASK_OTHERS, refuse());
ASK_IF(int, killpg, (int pid, int signal), (pid, signal), !signal, ASK_OTHERS, refuse());
LOOK(pidfd_open, ASK_OTHERS, libc_result(kernel(SYS_pidfd_open, a, b)));
LOOK(pidfd_getfd, ASK_OTHERS, refuse());
LOOK(process_vm_writev, ASK_OTHERS, refuse());
LOOK(shmat, ASK_OTHERS, refuse());
LOOK(shmctl, ASK_OTHERS, refuse());
LOOK(shm_unlink, ASK_OTHERS, refuse());
LOOK(msgctl, ASK_OTHERS, refuse());
LOOK(msgrcv, ASK_OTHERS, refuse());
LOOK(msgsnd, ASK_OTHERS, refuse());
LOOK(mq_unlink, ASK_OTHERS, refuse());
LOOK(semctl, ASK_OTHERS, refuse());
LOOK(semop, ASK_OTHERS, refuse());
LOOK(semtimedop, ASK_OTHERS, refuse());
LOOK(sem_unlink, ASK_OTHERS, refuse());
/* A file's number, among others. */
LOOK(ftok, ASK_OTHERS, refuse());

/* ---- The network and its tables ---- */

LOOK(getaddrinfo_a, ASK_NETWORK, -4);
LOOK(gethostent, ASK_NETWORK, 0);
LOOK(gethostent_r, ASK_NETWORK, ENOSYS);
LOOK_EIGHT(gethostbyaddr_r, ASK_NETWORK, ENOSYS);
LOOK_EIGHT(gethostbyname2_r, ASK_NETWORK, ENOSYS);
LOOK(getservbyport, ASK_NETWORK, 0);
LOOK(getservent, ASK_NETWORK, 0);
LOOK(getservbyname_r, ASK_NETWORK, ENOSYS);
LOOK(getservbyport_r, ASK_NETWORK, ENOSYS);
LOOK(getservent_r, ASK_NETWORK, ENOSYS);
LOOK(getprotobyname, ASK_NETWORK, 0);
LOOK(getprotobynumber, ASK_NETWORK, 0);
LOOK(getprotoent, ASK_NETWORK, 0);
LOOK(getprotobyname_r, ASK_NETWORK, ENOSYS);
LOOK(getprotobynumber_r, ASK_NETWORK, ENOSYS);
LOOK(getprotoent_r, ASK_NETWORK, ENOSYS);
LOOK(getnetbyname, ASK_NETWORK, 0);
LOOK(getnetbyaddr, ASK_NETWORK, 0);
LOOK(getnetent, ASK_NETWORK, 0);
LOOK(getnetbyname_r, ASK_NETWORK, ENOSYS);
LOOK_EIGHT(getnetbyaddr_r, ASK_NETWORK, ENOSYS);
LOOK(getnetent_r, ASK_NETWORK, ENOSYS);
LOOK(getrpcbyname, ASK_NETWORK, 0);
LOOK(getrpcbynumber, ASK_NETWORK, 0);
LOOK(getrpcent, ASK_NETWORK, 0);
LOOK(getrpcbyname_r, ASK_NETWORK, ENOSYS);
LOOK(getrpcbynumber_r, ASK_NETWORK, ENOSYS);
LOOK(getrpcent_r, ASK_NETWORK, ENOSYS);
LOOK(getnetgrent, ASK_NETWORK, 0);
LOOK(getnetgrent_r, ASK_NETWORK, 0);
LOOK(setnetgrent, ASK_NETWORK, 0);
LOOK(innetgr, ASK_NETWORK, 0);
LOOK(getaliasent, ASK_NETWORK, 0);
LOOK(getaliasbyname, ASK_NETWORK, 0);
LOOK(ether_hostton, ASK_NETWORK, refuse());
LOOK(ether_ntohost, ASK_NETWORK, refuse());
LOOK(res_init, ASK_NETWORK, refuse());
LOOK(res_send, ASK_NETWORK, refuse());
LOOK(__res_send, ASK_NETWORK, refuse());
LOOK(res_querydomain, ASK_NETWORK, refuse());
LOOK(__res_querydomain, ASK_NETWORK, refuse());
LOOK(__res_ninit, ASK_NETWORK, refuse());
LOOK(res_nquery, ASK_NETWORK, refuse());
LOOK(__res_nquery, ASK_NETWORK, refuse());
LOOK(res_nsearch, ASK_NETWORK, refuse());
LOOK(__res_nsearch, ASK_NETWORK, refuse());
LOOK(res_nsend, ASK_NETWORK, refuse());
LOOK_EIGHT(__res_nsend, ASK_NETWORK, refuse());
LOOK_EIGHT(res_nquerydomain, ASK_NETWORK, refuse());
LOOK_EIGHT(__res_nquerydomain, ASK_NETWORK, refuse());
LOOK(rcmd, ASK_NETWORK, refuse());
LOOK_EIGHT(rcmd_af, ASK_NETWORK, refuse());
LOOK(rexec, ASK_NETWORK, refuse());
LOOK_EIGHT(rexec_af, ASK_NETWORK, refuse());
LOOK(ruserok, ASK_NETWORK, refuse());
LOOK(ruserok_af, ASK_NETWORK, refuse());

/* ---- Files that libc opens itself, and changes to the machine ---- */

LOOK(getusershell, ASK_UNSEEN, 0);
LOOK(setusershell, ASK_UNSEEN, 0);
LOOK(getfsent, ASK_UNSEEN, 0);
LOOK(getfsspec, ASK_UNSEEN, 0);
LOOK(getfsfile, ASK_UNSEEN, 0);
LOOK(setfsent, ASK_UNSEEN, 0);
LOOK(getttyent, ASK_UNSEEN, 0);
LOOK(getttynam, ASK_UNSEEN, 0);
LOOK(setttyent, ASK_UNSEEN, 0);
LOOK(ttyslot, ASK_UNSEEN, 0);
LOOK(getpt, ASK_UNSEEN, refuse());
LOOK(posix_openpt, ASK_UNSEEN, refuse());
LOOK(openpty, ASK_UNSEEN, refuse());
LOOK(forkpty, ASK_UNSEEN, refuse());
LOOK(tempnam, ASK_UNSEEN, 0);
LOOK(fmtmsg, ASK_UNSEEN, -1);
LOOK(mtrace, ASK_UNSEEN, 0);
LOOK(dlinfo, ASK_UNSEEN, refuse());
LOOK(ustat, ASK_UNSEEN, refuse());
LOOK(open_by_handle_at, ASK_UNSEEN, refuse());
LOOK(fanotify_init, ASK_UNSEEN, refuse());
LOOK(fanotify_mark, ASK_UNSEEN, refuse());
LOOK(umount, ASK_UNSEEN, refuse());
LOOK(umount2, ASK_UNSEEN, refuse());
LOOK(swapon, ASK_UNSEEN, refuse());
LOOK(swapoff, ASK_UNSEEN, refuse());
LOOK(acct, ASK_UNSEEN, refuse());
LOOK(reboot, ASK_UNSEEN, refuse());
LOOK(init_module, ASK_UNSEEN, refuse());
LOOK(delete_module, ASK_UNSEEN, refuse());
LOOK(sethostname, ASK_UNSEEN, refuse());
LOOK(setdomainname, ASK_UNSEEN, refuse());
LOOK(settimeofday, ASK_UNSEEN, refuse());
LOOK(clock_settime, ASK_UNSEEN, refuse());
LOOK(iopl, ASK_UNSEEN, refuse());
LOOK(ioperm, ASK_UNSEEN, refuse());

/* A catalog by its path; by a name it is looked for along a variable, and by the language. */
HOOK(void *, catopen, (const char *name, int flags), (name, flags), (void *)refuse())
{
    void *result = next_catopen(name, flags);
    bool is_path = false;
    for (const char *c = name; c && *c; c++)
        is_path |= *c == '/';
    if (is_path)
        log_path(NOTE(KIND_OPEN, MODE_READ, ERROR_IF((long)result == -1)), AT_FDCWD, name);
    else
        log_ask(ASK_UNSEEN, CALLER);
    return result;
}

/* Character sets come from libc's own directory, unless a variable names others. */
HOOK(void *, iconv_open, (const char *to, const char *from), (to, from), (void *)refuse())
{
    log_getenv("GCONV_PATH", CALLER);
    if (is_set("GCONV_PATH"))
        log_ask(ASK_UNSEEN, CALLER);
    return next_iconv_open(to, from);
}

/* The system's own, and the stores in which nothing ever changes. */
static bool is_system_store(const char *path)
{
    return starts_with(path, "/usr/") || starts_with(path, "/nix/store/") || starts_with(path, "/gnu/store/");
}

/* Messages in the user's language: of the system, or out of our sight. */
HOOK(char *, bindtextdomain, (const char *domain, const char *directory), (domain, directory), NULL)
{
    log_getenv("LANGUAGE", CALLER);
    log_getenv("OUTPUT_CHARSET", CALLER);
    if (directory && !is_system_store(directory))
        log_ask(ASK_UNSEEN, CALLER);
    return next_bindtextdomain(domain, directory);
}

/* ---- How arguments are read ---- */

/* An order that is not said in front of the letters is the variable's affair. */
static NOINLINE void log_order(const char *letters, const void *caller)
{
    if (letters && *letters != '-' && *letters != '+')
        log_getenv("POSIXLY_CORRECT", caller);
}

#define READ_ARGUMENTS(name)                                                                                        \
    HOOK(int, name, (int count, char *const *arguments, const char *letters, const void *options, int *index),      \
         (count, arguments, letters, options, index), -1)                                                           \
    {                                                                                                               \
        log_order(letters, CALLER);                                                                                 \
        return next_##name(count, arguments, letters, options, index);                                              \
    }
READ_ARGUMENTS(getopt)
READ_ARGUMENTS(getopt_long)
READ_ARGUMENTS(getopt_long_only)

HOOK(int, argp_parse, (const void *parser, int count, char **arguments, u32 flags, int *index, void *input),
     (parser, count, arguments, flags, index, input), ENOSYS)
{
    log_getenv("POSIXLY_CORRECT", CALLER);
    log_getenv("ARGP_HELP_FMT", CALLER);
    return next_argp_parse(parser, count, arguments, flags, index, input);
}

#define ASK_HELP(name)                                                          \
    HOOK(long, name, SIX, (a, b, c, d, e, f), refuse())                         \
    {                                                                           \
        log_getenv("ARGP_HELP_FMT", CALLER);                                    \
        return next_##name(a, b, c, d, e, f);                                   \
    }
ASK_HELP(argp_help)
ASK_HELP(argp_state_help)
ASK_HELP(argp_usage)
ASK_HELP(argp_error)

/* Whether `[^` in a pattern means all others, is the variable's affair. */
static NOINLINE void log_pattern(const char *pattern, const void *caller)
{
    for (; pattern && *pattern; pattern++)
        if (pattern[0] == '[' && pattern[1] == '^') {
            log_getenv("POSIXLY_CORRECT", caller);
            return;
        }
}

HOOK(int, fnmatch, (const char *pattern, const char *text, int flags), (pattern, text, flags), -1)
{
    log_pattern(pattern, CALLER);
    return next_fnmatch(pattern, text, flags);
}

/* ---- Who is at the other end of a pair of sockets: this process itself ---- */

#define SOL_SOCKET 1

/* Its kind and what went wrong are alike for everybody; its buffers are the machine's, and who is there is the user. */
static inline bool is_plain_option(int level, int option)
{
    return level == SOL_SOCKET && (option == 3 || option == 4 || option == 38 || option == 39);
}

ASK_IF(int, getsockopt, (int socket, int level, int option, void *to, void *size), (socket, level, option, to, size),
       !is_plain_option(level, option), ASK_USER, refuse());
ASK_IF(int, setsockopt, (int socket, int level, int option, const void *from, u32 size),
       (socket, level, option, from, size), level == SOL_SOCKET && option == 16 /* with credentials */, ASK_USER, refuse());

/* ---- What a child opens before it runs ---- */

#define R_OK 4

/* Where a path starts that is not absolute is known to the child only. */
HOOK(int, posix_spawn_file_actions_addopen, (void *actions, int descriptor, const char *path, int flags, u32 mode),
     (actions, descriptor, path, flags, mode), ENOSYS)
{
    u8 opened = open_mode(flags);
    struct note note = NOTE(KIND_OPEN, opened, 0);
    if (recording() && path && path[0] == '/') {
        if (!(opened & MODE_CREATE))
            note.error = (int)-kernel(SYS_faccessat, AT_FDCWD, path, R_OK);
        log_path(note, AT_FDCWD, path);
    } else {
        log_ask(ASK_UNSEEN, CALLER);
    }
    return next_posix_spawn_file_actions_addopen(actions, descriptor, path, flags, mode);
}
