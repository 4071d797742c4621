/* Hooks for what is not a file: the environment, the clock, chance, the machine, the user. */
#include "asks.h"
#include "modes.h"

/* ---- Environment ---- */

HOOK(char *, getenv, (const char *name), (name), NULL)
{
    log_getenv(name, CALLER);
    return next_getenv(name);
}

HOOK(char *, secure_getenv, (const char *name), (name), NULL)
{
    log_getenv(name, CALLER);
    return next_secure_getenv(name);
}

HOOK(char *, __secure_getenv, (const char *name), (name), NULL)
{
    log_getenv(name, CALLER);
    return next___secure_getenv(name);
}

bool is_set(const char *name)
{
    char *(*next)(const char *) = (char *(*)(const char *))NEXT(getenv);
    const char *value = next && recording() ? next(name) : NULL;
    return value && *value;
}

/* The empty locale means that of the environment, which libc reads inside itself. */
static NOINLINE void log_locale(const char *locale, const void *caller)
{
    static const char NAMES[] = "LC_ALL\0LANG\0LANGUAGE\0LOCPATH\0LC_CTYPE\0LC_MESSAGES\0LC_COLLATE\0LC_NUMERIC\0"
                                "LC_TIME\0LC_MONETARY\0";
    if (!locale || locale[0])
        return;
    for (const char *name = NAMES; *name; name += strlen(name) + 1)
        log_getenv(name, caller);
    /* Locales of the user's own, which libc opens by itself. */
    if (is_set("LOCPATH"))
        log_ask(ASK_UNSEEN, caller);
}

HOOK(char *, setlocale, (int category, const char *locale), (category, locale), NULL)
{
    log_locale(locale, CALLER);
    return next_setlocale(category, locale);
}

#define NEW_LOCALE(name)                                                                            \
    HOOK(void *, name, (int mask, const char *locale, void *base), (mask, locale, base), NULL)      \
    {                                                                                               \
        log_locale(locale, CALLER);                                                                 \
        return next_##name(mask, locale, base);                                                     \
    }
NEW_LOCALE(newlocale)
NEW_LOCALE(__newlocale)

/* ---- Questions ---- */

ASK(int, clock_gettime, (int clock, void *to), (clock, to), clock_ask(clock), refuse());
ASK(int, gettimeofday, (void *to, void *zone), (to, zone), ASK_TIME, refuse());
ASK(long, time, (long *to), (to), ASK_TIME, refuse());
ASK(int, timespec_get, (void *to, int base), (to, base), base == 1 ? ASK_TIME : ASK_MONOTONIC, 0);
ASK(int, ftime, (void *to), (to), ASK_TIME, refuse());
ASK(long, clock, (void), (), ASK_MONOTONIC, refuse());
ASK(long, times, (void *to), (to), ASK_MONOTONIC, refuse());

ASK(long, getrandom, (void *to, u64 size, u32 flags), (to, size, flags), ASK_RANDOM,
    libc_result(kernel(SYS_getrandom, to, size, flags)));
/* At most 256 bytes by contract, which the kernel gives in one piece. */
ASK(int, getentropy, (void *to, u64 size), (to, size), ASK_RANDOM,
    libc_result(kernel(SYS_getrandom, to, size, 0)) < 0 ? -1 : 0);
ASK(long, random, (void), (), ASK_RANDOM, refuse());
ASK(int, rand, (void), (), ASK_RANDOM, refuse());

static u32 raw_random(void)
{
    u32 number = 0;
    kernel(SYS_getrandom, &number, sizeof(number), 0);
    return number;
}

ASK(u32, arc4random, (void), (), ASK_RANDOM, raw_random());
ASK(u32, arc4random_uniform, (u32 limit), (limit), ASK_RANDOM, limit ? raw_random() % limit : 0);

HOOK(long, arc4random_buf, (void *to, u64 size), (to, size), kernel(SYS_getrandom, to, size, 0))
{
    log_ask(ASK_RANDOM, CALLER);
    return next_arc4random_buf(to, size);
}

ASK(int, getpid, (void), (), ASK_PID, kernel(SYS_getpid));
ASK(int, getppid, (void), (), ASK_PID, kernel(SYS_getppid));

ASK(int, gethostname, (char *to, u64 size), (to, size), ASK_HOST, refuse());
ASK(int, __gethostname_chk, (char *to, u64 size, u64 room), (to, size, room), ASK_HOST, refuse());
ASK(int, getdomainname, (char *to, u64 size), (to, size), ASK_HOST, refuse());
ASK(int, uname, (void *to), (to), ASK_HOST, refuse());
ASK(long, gethostid, (void), (), ASK_HOST, refuse());
/* The zone: a variable and a file that libc reads inside itself. A C compiler turns a time into a date only where a source
 * expands __DATE__, __TIME__ or __TIMESTAMP__ (gcc 12, clang 14). */
ASK(void *, localtime, (const long *time), (time), ASK_DATE, NULL);
ASK(void *, localtime_r, (const long *time, void *to), (time, to), ASK_DATE, NULL);
ASK(char *, ctime, (const long *time), (time), ASK_DATE, NULL);
ASK(char *, ctime_r, (const long *time, char *to), (time, to), ASK_DATE, NULL);
ASK(void *, gmtime, (const long *time), (time), ASK_UTC, NULL);
ASK(void *, gmtime_r, (const long *time, void *to), (time, to), ASK_UTC, NULL);
ASK(long, mktime, (void *parts), (parts), ASK_HOST, refuse());

ASK(u32, getuid, (void), (), ASK_USER, kernel(SYS_getuid));
ASK(u32, geteuid, (void), (), ASK_USER, kernel(SYS_geteuid));
ASK(u32, getgid, (void), (), ASK_USER, kernel(SYS_getgid));
ASK(u32, getegid, (void), (), ASK_USER, kernel(SYS_getegid));
ASK(int, getgroups, (int size, void *to), (size, to), ASK_USER, refuse());
ASK(char *, getlogin, (void), (), ASK_USER, NULL);
ASK(int, getlogin_r, (char *to, u64 size), (to, size), ASK_USER, ENOSYS);
ASK(void *, getpwuid, (u32 user), (user), ASK_USER, NULL);
ASK(int, getpwuid_r, (u32 user, void *entry, char *buffer, u64 size, void *result),
    (user, entry, buffer, size, result), ASK_USER, ENOSYS);
ASK(void *, getpwnam, (const char *name), (name), ASK_USER, NULL);
ASK(int, getpwnam_r, (const char *name, void *entry, char *buffer, u64 size, void *result),
    (name, entry, buffer, size, result), ASK_USER, ENOSYS);

ASK(void *, getgrgid, (u32 group), (group), ASK_USER, NULL);
ASK(void *, getgrnam, (const char *name), (name), ASK_USER, NULL);

/* Processors configured and online, pages there and free: the same numbers in glibc and musl; caches; what limits decide (arguments,
 * children, open files). */
#define ASK_SYSCONF(name)                                                               \
    HOOK(long, name, (int which), (which), refuse())                                    \
    {                                                                                   \
        if ((which >= 83 && which <= 86) || (which >= 185 && which <= 199))             \
            log_ask(ASK_CPUS, CALLER);                                                  \
        if (which == 0 || which == 1 || which == 4)                                     \
            log_ask(ASK_LIMITS, CALLER);                                                \
        return next_##name(which);                                                      \
    }
ASK_SYSCONF(sysconf)
ASK_SYSCONF(__sysconf)

ASK(int, sched_getaffinity, (int pid, u64 size, void *to), (pid, size, to), ASK_CPUS, refuse());
ASK(int, pthread_getaffinity_np, (void *thread, u64 size, void *to), (thread, size, to), ASK_CPUS, ENOSYS);
ASK(int, sched_getcpu, (void), (), ASK_CPUS, refuse());
ASK(int, get_nprocs, (void), (), ASK_CPUS, 1);
ASK(int, get_nprocs_conf, (void), (), ASK_CPUS, 1);
ASK(long, get_phys_pages, (void), (), ASK_CPUS, refuse());
ASK(long, get_avphys_pages, (void), (), ASK_CPUS, refuse());
ASK(int, getloadavg, (double *to, int count), (to, count), ASK_CPUS, refuse());

ASK(int, getrlimit, (int resource, void *to), (resource, to), ASK_LIMITS, refuse());
ASK(int, getrlimit64, (int resource, void *to), (resource, to), ASK_LIMITS, refuse());
ASK(int, prlimit, (int pid, int resource, const void *set, void *to), (pid, resource, set, to), ASK_LIMITS, refuse());
ASK(int, prlimit64, (int pid, int resource, const void *set, void *to), (pid, resource, set, to), ASK_LIMITS,
    refuse());
ASK(int, sysinfo, (void *to), (to), ASK_LIMITS, refuse());

ASK(int, socket, (int domain, int type, int protocol), (domain, type, protocol), ASK_NETWORK, refuse());
ASK(int, connect, (int socket, const void *address, u32 size), (socket, address, size), ASK_NETWORK, refuse());
ASK(int, getaddrinfo, (const char *node, const char *service, const void *hints, void *result),
    (node, service, hints, result), ASK_NETWORK, -4);
ASK(void *, gethostbyname, (const char *name), (name), ASK_NETWORK, NULL);

ASK(char *, getcwd, (char *to, u64 size), (to, size), ASK_CWD, refuse() ? NULL : NULL);
ASK(char *, __getcwd_chk, (char *to, u64 size, u64 room), (to, size, room), ASK_CWD, refuse() ? NULL : NULL);
ASK(char *, getwd, (char *to), (to), ASK_CWD, refuse() ? NULL : NULL);
ASK(char *, get_current_dir_name, (void), (), ASK_CWD, refuse() ? NULL : NULL);

/* ---- What a process is given ---- */

ASK(u32, umask, (u32 mask), (mask), ASK_UMASK, refuse());
#define ASK_ACTION(name)                                                                            \
    ASK_IF(int, name, (int signal, const void *act, void *old), (signal, act, old),                 \
           old && !is_usual_signal(signal), ASK_SIGNALS, refuse())
ASK_ACTION(sigaction);
ASK_ACTION(__sigaction);
#define ASK_MASK(name)                                                                                          \
    ASK_IF(int, name, (int how, const void *set, void *old), (how, set, old), old, ASK_SIGNALS, refuse())
ASK_MASK(sigprocmask);
ASK_MASK(pthread_sigmask);
#define ASK_SIGNAL(name) \
    ASK_IF(void *, name, (int signal, void *handler), (signal, handler), !is_usual_signal(signal), ASK_SIGNALS, \
           (refuse(), (void *)-1))
ASK_SIGNAL(signal);
ASK_SIGNAL(bsd_signal);
ASK_SIGNAL(sysv_signal);
ASK_SIGNAL(__sysv_signal);
ASK_SIGNAL(sigset);

ASK(int, nice, (int by), (by), ASK_LIMITS, refuse());
ASK(int, getpriority, (int which, u32 who), (which, who), ASK_LIMITS, refuse());
ASK(int, sched_getscheduler, (int pid), (pid), ASK_LIMITS, refuse());
ASK(int, sched_getparam, (int pid, void *to), (pid, to), ASK_LIMITS, refuse());
ASK(int, sched_rr_get_interval, (int pid, void *to), (pid, to), ASK_LIMITS, refuse());
ASK(int, pthread_getschedparam, (void *thread, int *policy, void *to), (thread, policy, to), ASK_LIMITS, ENOSYS);
ASK(long, ulimit, (int command, long limit), (command, limit), ASK_LIMITS, refuse());
ASK(int, getdtablesize, (void), (), ASK_LIMITS, 256);
ASK(int, capget, (void *header, void *to), (header, to), ASK_USER, refuse());
ASK(int, personality, (u64 which), (which), ASK_HOST, refuse());
ASK(int, klogctl, (int type, char *to, int size), (type, to, size), ASK_HOST, refuse());

HOOK(void, tzset, (void), (), 0)
{
    log_ask(ASK_HOST, CALLER);
    next_tzset();
}


/* Variadic in C; on the machines we know the arguments are passed like any others, and passed on likewise. */
ASK_IF(int, prctl, (int option, u64 a, u64 b, u64 c, u64 d), (option, a, b, c, d), control_process_ask(option),
       control_process_ask(option), refuse());
ASK_IF(int, ioctl, (int descriptor, u64 request, void *argument), (descriptor, request, argument),
       control_ask(request), control_ask(request), refuse());
#define ASK_AUXILIARY(name) ASK_IF(u64, name, (u64 type), (type), auxiliary_ask(type), auxiliary_ask(type), 0)
ASK_AUXILIARY(getauxval);
ASK_AUXILIARY(__getauxval);

ASK(int, getcpu, (u32 *processor, u32 *node), (processor, node), ASK_CPUS, refuse());
ASK(int, getrusage, (int who, void *to), (who, to), ASK_MONOTONIC, refuse());
ASK_IF(int, wait3, (int *status, int options, void *usage), (status, options, usage), usage, ASK_MONOTONIC, refuse());
ASK_IF(int, wait4, (int pid, int *status, int options, void *usage), (pid, status, options, usage), usage,
       ASK_MONOTONIC, refuse());
ASK(int, adjtimex, (void *to), (to), ASK_TIME, refuse());
ASK(int, ntp_adjtime, (void *to), (to), ASK_TIME, refuse());
ASK(int, ntp_gettime, (void *to), (to), ASK_TIME, refuse());
ASK(int, ntp_gettimex, (void *to), (to), ASK_TIME, refuse());

/* (Not gettid: std asks for it at every start and in every thread, and it is a number like one by chance.) */
ASK(int, getpgrp, (void), (), ASK_PID, refuse());
ASK(int, getpgid, (int pid), (pid), ASK_PID, refuse());
ASK(int, getsid, (int pid), (pid), ASK_PID, refuse());
ASK(int, tcgetpgrp, (int descriptor), (descriptor), ASK_PID, refuse());
ASK(int, tcgetsid, (int descriptor), (descriptor), ASK_PID, refuse());

#define ASK_THREE(name) ASK(int, name, (u32 *own, u32 *effective, u32 *saved), (own, effective, saved), ASK_USER, refuse())
ASK_THREE(getresuid);
ASK_THREE(getresgid);
#define ASK_ENTRY(name) ASK(void *, name, (void), (), ASK_USER, NULL)
ASK_ENTRY(getpwent);
ASK_ENTRY(getgrent);
ASK_ENTRY(getspent);
ASK_ENTRY(getutent);
ASK_ENTRY(getutxent);
ASK(void *, getspnam, (const char *name), (name), ASK_USER, NULL);
ASK(char *, cuserid, (char *to), (to), ASK_USER, NULL);
ASK(int, getgrouplist, (const char *user, u32 group, u32 *to, int *count), (user, group, to, count), ASK_USER, refuse());
ASK(int, getgrnam_r, (const char *name, void *entry, char *buffer, u64 size, void *result),
    (name, entry, buffer, size, result), ASK_USER, ENOSYS);
ASK(int, getgrgid_r, (u32 group, void *entry, char *buffer, u64 size, void *result),
    (group, entry, buffer, size, result), ASK_USER, ENOSYS);
ASK(char *, getpass, (const char *prompt), (prompt), ASK_TERMINAL, NULL);

/* libc asks the kernel by sockets of its own. */
ASK(int, getifaddrs, (void *to), (to), ASK_NETWORK, refuse());
ASK(void *, if_nameindex, (void), (), ASK_NETWORK, NULL);
ASK(u32, if_nametoindex, (const char *name), (name), ASK_NETWORK, 0);
ASK(char *, if_indextoname, (u32 index, char *to), (index, to), ASK_NETWORK, NULL);
ASK(void *, gethostbyname2, (const char *name, int family), (name, family), ASK_NETWORK, NULL);
ASK(void *, gethostbyaddr, (const void *address, u32 size, int family), (address, size, family), ASK_NETWORK, NULL);
ASK(int, gethostbyname_r, (const char *name, void *entry, char *buffer, u64 size, void *result, int *error),
    (name, entry, buffer, size, result, error), ASK_NETWORK, ENOSYS);
ASK(int, getnameinfo,
    (const void *address, u32 size, char *host, u32 host_size, char *service, u32 service_size, int flags),
    (address, size, host, host_size, service, service_size, flags), ASK_NETWORK, -4);
ASK(void *, getservbyname, (const char *name, const char *protocol), (name, protocol), ASK_NETWORK, NULL);
ASK(int, __res_init, (void), (), ASK_NETWORK, refuse());
#define ASK_NAMES(name)                                                                                     \
    ASK(int, name, (const char *host, int class, int type, u8 *to, int size), (host, class, type, to, size), \
        ASK_NETWORK, refuse())
ASK_NAMES(res_query);
ASK_NAMES(res_search);
ASK_NAMES(__res_query);
ASK_NAMES(__res_search);

/* What other processes left, and they themselves. */
ASK(int, shmget, (int key, u64 size, int flags), (key, size, flags), ASK_OTHERS, refuse());
ASK(int, msgget, (int key, int flags), (key, flags), ASK_OTHERS, refuse());
ASK(int, semget, (int key, int count, int flags), (key, count, flags), ASK_OTHERS, refuse());
ASK(int, mq_open, (const char *name, int flags, u32 mode, void *attributes), (name, flags, mode, attributes), ASK_OTHERS,
    refuse());
ASK(void *, sem_open, (const char *name, int flags, u32 mode, u32 value), (name, flags, mode, value), ASK_OTHERS, NULL);
ASK(long, ptrace, (long request, int pid, void *address, void *data), (request, pid, address, data), ASK_OTHERS, refuse());
ASK(long, process_vm_readv, (int pid, const void *to, u64 count, const void *from, u64 from_count, u64 flags),
    (pid, to, count, from, from_count, flags), ASK_OTHERS, refuse());

/* ---- What a file is besides its content ---- */

#define ASK_DESCRIPTOR(name, ask) ASK(int, name, (int descriptor, void *to), (descriptor, to), ask, refuse())
ASK_DESCRIPTOR(fstatfs, ASK_SPACE);
ASK_DESCRIPTOR(fstatfs64, ASK_SPACE);
ASK_DESCRIPTOR(fstatvfs, ASK_SPACE);
ASK_DESCRIPTOR(fstatvfs64, ASK_SPACE);
ASK(int, quotactl, (int command, const char *device, int id, void *to), (command, device, id, to), ASK_SPACE, refuse());
ASK(long, fgetxattr, (int descriptor, const char *name, void *to, u64 size), (descriptor, name, to, size),
    ASK_ATTRIBUTES, refuse());
ASK(long, flistxattr, (int descriptor, char *to, u64 size), (descriptor, to, size), ASK_ATTRIBUTES, refuse());
ASK(int, fsetxattr, (int descriptor, const char *name, const void *value, u64 size, int flags),
    (descriptor, name, value, size, flags), ASK_ATTRIBUTES, refuse());
ASK(int, fremovexattr, (int descriptor, const char *name), (descriptor, name), ASK_ATTRIBUTES, refuse());
ASK(int, name_to_handle_at, (int directory, const char *path, void *handle, int *mount, int flags),
    (directory, path, handle, mount, flags), ASK_ATTRIBUTES, refuse());
