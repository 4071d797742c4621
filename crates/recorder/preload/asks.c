/* Hooks for what is not a file: the environment, the clock, chance, the machine, the user. */
#include "log.h"
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

/* The empty locale means that of the environment, which libc reads inside itself. */
static NOINLINE void log_locale(const char *locale, const void *caller)
{
    static const char NAMES[] = "LC_ALL\0LANG\0LANGUAGE\0LOCPATH\0LC_CTYPE\0LC_MESSAGES\0LC_COLLATE\0LC_NUMERIC\0"
                                "LC_TIME\0LC_MONETARY\0";
    if (!locale || locale[0])
        return;
    for (const char *name = NAMES; *name; name += strlen(name) + 1)
        log_getenv(name, caller);
}

HOOK(char *, setlocale, (int category, const char *locale), (category, locale), NULL)
{
    log_locale(locale, CALLER);
    return next_setlocale(category, locale);
}

HOOK(void *, newlocale, (int mask, const char *locale, void *base), (mask, locale, base), NULL)
{
    log_locale(locale, CALLER);
    return next_newlocale(mask, locale, base);
}

/* ---- Questions ---- */

/* A hook that notes the question and passes it on. */
#define ASK(type, name, parameters, arguments, ask, otherwise)  \
    HOOK(type, name, parameters, arguments, otherwise)          \
    {                                                           \
        log_ask(ask, CALLER);                                   \
        return next_##name arguments;                           \
    }                                                           \
    struct declared_##name

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

/* Processors configured and online, pages there and free: the same numbers in glibc and musl. */
HOOK(long, sysconf, (int name), (name), refuse())
{
    if (name >= 83 && name <= 86)
        log_ask(ASK_CPUS, CALLER);
    return next_sysconf(name);
}

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
