/* Hooks for starting programs. Each says which process will report under which serial, gives the child what it needs
 * to do so, and says so if nothing was started after all; and puts kiln before compilers, see wire.c. All of it lives on the stack: after vfork the memory is the
 * parent's, and after fork in a program with threads there is no safe allocation. */
#include "exec.h"
#include "log.h"
#include "names.h"
#include "wire.h"

/* One call that starts a program: how to make it, given the environment. */
struct attempt {
    int (*call)(const struct attempt *attempt, char *const *environment);
    const char *path;
    char *const *arguments;
    /* An error is the result itself, as posix_spawn has it, not errno. */
    bool spawns;
    int directory, flags;
    int *pid;
    const void *actions, *attributes;
    /* What popen adds: its mode, and where its result goes. */
    const char *mode;
    void **stream;
};

static const char PRELOAD[] = "LD_PRELOAD=";
static const char RECORD[] = "KILN_RECORD=";

static u32 count_entries(char *const *entries)
{
    u32 count = 0;
    while (entries && entries[count])
        count++;
    return count;
}

static const char *last_preload(char *const *entries)
{
    const char *found = NULL;
    for (; entries && *entries; entries++)
        if (starts_with(*entries, PRELOAD))
            found = *entries;
    return found;
}

static char *append(char *to, const char *text)
{
    u64 size = strlen(text);
    memcpy(to, text, size + 1);
    return to + size;
}

/* Bytes that write_preload needs. */
static u64 preload_size(const char *users)
{
    return (users ? strlen(users) : sizeof(PRELOAD)) + strlen(object_path) + 2;
}

/* The user's value, then ours: an ASan runtime wants to be first. */
static void write_preload(char *to, const char *users)
{
    to = append(to, users ? users : PRELOAD);
    if (users)
        to = append(to, ":");
    append(to, object_path);
}

/* What a child is told. */
struct message {
    u32 serial;
    enum wiring wiring;
};

static void write_record(char *to, const struct message *message)
{
    to = append(to, RECORD);
    if (recording()) {
        to = append(append(to, log_path_text), ":");
        to = write_decimal(to, message->serial);
        *to = 0;
    } else {
        to = append(append(to, ":"), message->wiring == WIRES_SCRIPTS ? WORD_SCRIPTS : "");
    }
    if (message->wiring != UNWIRED)
        append(append(to, ":"), kiln_path);
}

/* Copies the environment with our two entries; `to` has room for two more and the null. */
static void write_entries(char **to, char *const *from, char *preload, char *record, bool users_preload)
{
    for (; from && *from; from++) {
        if (starts_with(*from, RECORD))
            continue;
        *to++ = starts_with(*from, PRELOAD) ? preload : *from;
    }
    if (!users_preload)
        *to++ = preload;
    *to++ = record;
    *to = NULL;
}

static int call_injected(const struct attempt *attempt, const struct message *message, char *const *environment)
{
    const char *users = last_preload(environment);
    char preload[preload_size(users)];
    char record[sizeof(RECORD) + LOG_PATH_LIMIT + 16 + strlen(kiln_path)];
    char *entries[count_entries(environment) + 3];
    write_preload(preload, users);
    write_record(record, message);
    write_entries(entries, environment, preload, record, users != NULL);
    return attempt->call(attempt, entries);
}

/* The error of a call that has come back; 0 if the program runs. */
static int error_of(const struct attempt *attempt, int result)
{
    return attempt->spawns ? result : current_errno();
}

static int call_recorded(const struct attempt *attempt, int directory, const char *program, char *const *environment,
                         const void *caller)
{
    struct note note = {.kind = KIND_EXEC, .caller = caller};
    bool kiln = false;
    if (!watchable(directory, program) && !(kiln = is_kiln(directory, program))) {
        note.kind = KIND_BLIND;
        log_path(note, directory, program);
        return attempt->call(attempt, environment);
    }
    struct message message = {new_serial(), kiln ? UNWIRED : wiring_of(program)};
    note.extra = message.serial;
    log_path(note, directory, program);
    int result = call_injected(attempt, &message, environment);
    int error = error_of(attempt, result);
    if (!error)
        return result;
    note.kind = KIND_EXEC_FAILED;
    note.error = error;
    log_spans(note, NULL, 0, 0);
    return result;
}

static int call_told(const struct attempt *attempt, int directory, const char *program, char *const *environment)
{
    struct message message = {0, wiring_of(program)};
    if (message.wiring == UNWIRED || !wiring_holds() || !watchable(directory, program))
        return attempt->call(attempt, environment);
    return call_injected(attempt, &message, environment);
}

static int call_followed(const struct attempt *attempt, int directory, const char *program, char *const *environment,
                         const void *caller)
{
    return recording() ? call_recorded(attempt, directory, program, environment, caller)
                       : call_told(attempt, directory, program, environment);
}

static int call_execve(const struct attempt *attempt, char *const *environment);
static int call_fexecve(const struct attempt *attempt, char *const *environment);

/* More words than a compile has: they are copied on the stack, which may be a thread's. */
#define WIRED_ARGUMENTS 16384

/* Starts kiln in the compiler's place: `kiln as gcc`, the compiler's path, its arguments. */
static int call_wired(const struct attempt *attempt, const char *program, char *const *environment, const void *caller)
{
    u32 count = count_entries(attempt->arguments);
    char called[sizeof(CALLED) + strlen(attempt->arguments[0])];
    char *arguments[count + 2];
    append(append(called, CALLED), attempt->arguments[0]);
    arguments[0] = called;
    arguments[1] = (char *)program;
    memcpy(arguments + 2, attempt->arguments + 1, count * sizeof(char *));
    struct attempt wired = *attempt;
    wired.path = kiln_path;
    wired.arguments = arguments;
    if (wired.call == call_fexecve)
        wired.call = call_execve;
    return call_followed(&wired, AT_FDCWD, kiln_path, environment, caller);
}

/* What is meant by a path that is not absolute is known here only if nothing is done before it is looked at. */
static bool is_compile(const struct attempt *attempt, int directory, const char *program)
{
    u32 count = count_entries(attempt->arguments);
    bool known = program[0] == '/' || (directory == AT_FDCWD && !attempt->actions);
    return wiring() && known && count > 0 && count <= WIRED_ARGUMENTS &&
           is_to_be_wired(program, attempt->arguments[0]);
}

bool follows_children(void)
{
    return recording() || wiring();
}

/* `program` is the file that will run as far as can be told, `attempt->path` what the caller said. Where kiln is gone, or
 * the few more bytes of its command line are too many, the compiler runs. */
static int attempt_call(const struct attempt *attempt, int directory, const char *program, char *const *environment,
                        const void *caller)
{
    if (!follows_children() || !program || !*program)
        return attempt->call(attempt, environment);
    if (is_compile(attempt, directory, program)) {
        int result = call_wired(attempt, program, environment, caller);
        if (!error_of(attempt, result))
            return result;
    }
    return call_followed(attempt, directory, program, environment, caller);
}

/* ---- Looking along PATH ---- */

#define X_OK 1
#define STATX_TYPE 1
#define TYPE_BITS 0170000
#define REGULAR 0100000
#define CANDIDATE_LIMIT (2 * PATH_LIMIT)

static bool runs(const char *path)
{
    u8 facts[256];
    u16 mode;
    if (kernel(SYS_faccessat, AT_FDCWD, path, X_OK) < 0 || kernel(SYS_statx, AT_FDCWD, path, 0, STATX_TYPE, facts) < 0)
        return false;
    memcpy(&mode, facts + 28, sizeof(mode));
    return (mode & TYPE_BITS) == REGULAR;
}

static bool has_slash(const char *path)
{
    for (; *path; path++)
        if (*path == '/')
            return true;
    return false;
}

/* Writes the next candidate, `path` being at the start of a part of PATH; gives the rest, null at the end. */
static const char *next_candidate(char to[CANDIDATE_LIMIT], const char *path, const char *file)
{
    const char *end = path;
    while (*end && *end != ':')
        end++;
    u64 size = (u64)(end - path), file_size = strlen(file);
    to[0] = 0;
    if (size + file_size + 2 <= CANDIDATE_LIMIT) {
        memcpy(to, path, size);
        if (size)
            to[size++] = '/';
        memcpy(to + size, file, file_size + 1);
    }
    return *end ? end + 1 : NULL;
}

/* Repeats the search of execvp and posix_spawnp, which libc does inside itself. */
static const char *search(char candidate[CANDIDATE_LIMIT], const char *file, const void *caller)
{
    if (!follows_children() || !file || has_slash(file) || !*file)
        return file;
    char *(*next_getenv)(const char *) = (char *(*)(const char *))NEXT(getenv);
    if (recording())
        log_text((struct note){.kind = KIND_GETENV, .detail = GETENV_SEARCH, .caller = caller}, "PATH");
    const char *path = next_getenv ? next_getenv("PATH") : NULL;
    path = path ? path : "/bin:/usr/bin";
    while (path) {
        path = next_candidate(candidate, path, file);
        bool present = runs(candidate);
        log_path((struct note){.kind = KIND_PROBE, .detail = present, .caller = caller}, AT_FDCWD, candidate);
        if (present)
            return candidate;
    }
    return file;
}

/* ---- exec ---- */

typedef int (*exec_function)(const char *, char *const *, char *const *);
typedef int (*spawn_function)(int *, const char *, const void *, const void *, char *const *, char *const *);

static int call_execve(const struct attempt *attempt, char *const *environment)
{
    exec_function real = (exec_function)NEXT(execve);
    return real ? real(attempt->path, attempt->arguments, environment) : (int)refuse();
}

static int call_execvpe(const struct attempt *attempt, char *const *environment)
{
    exec_function real = (exec_function)NEXT(execvpe);
    return real ? real(attempt->path, attempt->arguments, environment) : (int)refuse();
}

static int call_execveat(const struct attempt *attempt, char *const *environment)
{
    return (int)libc_result(kernel(SYS_execveat, attempt->directory, attempt->path, attempt->arguments, environment,
                                   attempt->flags));
}

static int call_fexecve(const struct attempt *attempt, char *const *environment)
{
    int (*real)(int, char *const *, char *const *) = (int (*)(int, char *const *, char *const *))NEXT(fexecve);
    return real ? real(attempt->directory, attempt->arguments, environment) : (int)refuse();
}

static NOINLINE int run_path(const char *path, char *const *arguments, char *const *environment, const void *caller)
{
    struct attempt attempt = {.call = call_execve, .path = path, .arguments = arguments};
    return attempt_call(&attempt, AT_FDCWD, path, environment, caller);
}

static NOINLINE int run_searched(const char *file, char *const *arguments, char *const *environment,
                                 const void *caller)
{
    char candidate[CANDIDATE_LIMIT];
    struct attempt attempt = {.call = call_execvpe, .path = file, .arguments = arguments};
    return attempt_call(&attempt, AT_FDCWD, search(candidate, file, caller), environment, caller);
}

static char **current_environment(void)
{
    return &environ ? environ : NULL;
}

EXPORT int execve(const char *path, char *const *arguments, char *const *environment)
{
    return run_path(path, arguments, environment, CALLER);
}

EXPORT int execv(const char *path, char *const *arguments)
{
    return run_path(path, arguments, current_environment(), CALLER);
}

EXPORT int execvpe(const char *file, char *const *arguments, char *const *environment)
{
    return run_searched(file, arguments, environment, CALLER);
}

EXPORT int execvp(const char *file, char *const *arguments)
{
    return run_searched(file, arguments, current_environment(), CALLER);
}

/* The path of the file that a descriptor stands for; where it has lost that, the descriptor's own name for the kernel. */
static void write_descriptor_path(char to[PATH_LIMIT], int descriptor)
{
    char own[32];
    *write_decimal(append(own, "/proc/self/fd/"), (u64)(u32)descriptor) = 0;
    long size = kernel(SYS_readlinkat, AT_FDCWD, own, to, PATH_LIMIT - 1);
    if (size > 0 && to[0] == '/')
        to[size] = 0;
    else
        append(to, own);
}

EXPORT int fexecve(int descriptor, char *const *arguments, char *const *environment)
{
    char path[PATH_LIMIT];
    struct attempt attempt = {.call = call_fexecve, .directory = descriptor, .arguments = arguments};
    write_descriptor_path(path, descriptor);
    return attempt_call(&attempt, AT_FDCWD, path, environment, CALLER);
}

EXPORT int execveat(int directory, const char *path, char *const *arguments, char *const *environment, int flags)
{
    char own[PATH_LIMIT];
    struct attempt attempt = {
        .call = call_execveat, .path = path, .arguments = arguments, .directory = directory, .flags = flags};
    if (!path || path[0])
        return attempt_call(&attempt, directory, path, environment, CALLER);
    write_descriptor_path(own, directory);
    return attempt_call(&attempt, AT_FDCWD, own, environment, CALLER);
}

static u32 count_list(__builtin_va_list list)
{
    u32 count = 1;
    while (__builtin_va_arg(list, char *))
        count++;
    return count;
}

/* Opens the body of an execl: copies the list that starts with `first` into `arguments`, leaving `list` behind it. */
#define COPY_LIST(first)                                                \
    __builtin_va_list list, counted;                                    \
    __builtin_va_start(list, first);                                    \
    __builtin_va_copy(counted, list);                                   \
    u32 count = (first) ? count_list(counted) : 0;                      \
    __builtin_va_end(counted);                                          \
    char *arguments[count + 1];                                         \
    arguments[0] = (char *)(first);                                     \
    for (u32 i = 1; i <= count; i++)                                    \
        arguments[i] = __builtin_va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...)
{
    COPY_LIST(first);
    int result = run_path(path, arguments, current_environment(), CALLER);
    __builtin_va_end(list);
    return result;
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    COPY_LIST(first);
    int result = run_searched(file, arguments, current_environment(), CALLER);
    __builtin_va_end(list);
    return result;
}

EXPORT int execle(const char *path, const char *first, ...)
{
    COPY_LIST(first);
    char *const *environment = __builtin_va_arg(list, char *const *);
    int result = run_path(path, arguments, environment, CALLER);
    __builtin_va_end(list);
    return result;
}

/* ---- posix_spawn ---- */

static int call_spawn(const struct attempt *attempt, char *const *environment)
{
    spawn_function real = (spawn_function)NEXT(posix_spawn);
    return real ? real(attempt->pid, attempt->path, attempt->actions, attempt->attributes, attempt->arguments,
                       environment)
                : ENOSYS;
}

static int call_spawnp(const struct attempt *attempt, char *const *environment)
{
    spawn_function real = (spawn_function)NEXT(posix_spawnp);
    return real ? real(attempt->pid, attempt->path, attempt->actions, attempt->attributes, attempt->arguments,
                       environment)
                : ENOSYS;
}

/* pidfd_spawn is younger than most: where libc has none, a caller that asked weakly finds ours, so it must work. */
static int spawn_descriptor(const struct attempt *attempt, spawn_function younger, spawn_function older,
                            char *const *environment)
{
    if (younger)
        return younger(attempt->pid, attempt->path, attempt->actions, attempt->attributes, attempt->arguments,
                       environment);
    int pid = 0;
    int error = older ? older(&pid, attempt->path, attempt->actions, attempt->attributes, attempt->arguments,
                              environment)
                      : ENOSYS;
    if (error)
        return error;
    long descriptor = kernel(SYS_pidfd_open, pid, 0);
    if (descriptor < 0)
        return (int)-descriptor;
    *attempt->pid = (int)descriptor;
    return 0;
}

static int call_pidfd_spawn(const struct attempt *attempt, char *const *environment)
{
    return spawn_descriptor(attempt, (spawn_function)NEXT(pidfd_spawn), (spawn_function)NEXT(posix_spawn),
                            environment);
}

static int call_pidfd_spawnp(const struct attempt *attempt, char *const *environment)
{
    return spawn_descriptor(attempt, (spawn_function)NEXT(pidfd_spawnp), (spawn_function)NEXT(posix_spawnp),
                            environment);
}

static int spawn_searched(struct attempt *attempt, char *const *environment, const void *caller)
{
    char candidate[CANDIDATE_LIMIT];
    return attempt_call(attempt, AT_FDCWD, search(candidate, attempt->path, caller), environment, caller);
}

#define SPAWN_PARAMETERS                                                                              \
    int *pid, const char *path, const void *actions, const void *attributes, char *const *arguments, \
        char *const *environment
#define SPAWN_ATTEMPT(function)                                                                           \
    {.call = function, .path = path, .arguments = arguments, .spawns = true, .pid = pid, .actions = actions, \
     .attributes = attributes}

EXPORT int posix_spawn(SPAWN_PARAMETERS)
{
    struct attempt attempt = SPAWN_ATTEMPT(call_spawn);
    return attempt_call(&attempt, AT_FDCWD, path, environment, CALLER);
}

EXPORT int posix_spawnp(SPAWN_PARAMETERS)
{
    struct attempt attempt = SPAWN_ATTEMPT(call_spawnp);
    return spawn_searched(&attempt, environment, CALLER);
}

int spawn_for(const void *caller, int *pid, const char *path, const void *attributes, char *const *arguments)
{
    struct attempt attempt = {.call = call_spawn, .path = path, .arguments = arguments, .spawns = true, .pid = pid,
                              .attributes = attributes};
    return attempt_call(&attempt, AT_FDCWD, path, current_environment(), caller);
}

EXPORT int pidfd_spawn(SPAWN_PARAMETERS)
{
    struct attempt attempt = SPAWN_ATTEMPT(call_pidfd_spawn);
    return attempt_call(&attempt, AT_FDCWD, path, environment, CALLER);
}

EXPORT int pidfd_spawnp(SPAWN_PARAMETERS)
{
    struct attempt attempt = SPAWN_ATTEMPT(call_pidfd_spawnp);
    return spawn_searched(&attempt, environment, CALLER);
}

/* ---- popen ---- */

/* libc's popen takes the environment from the global variable, so that is what changes, for the moment of the call.
 * One caller at a time; another thread that sets a variable meanwhile makes libc move to an array of its own. */
static int call_popen(const struct attempt *attempt, char *const *environment)
{
    static bool busy;
    void *(*real)(const char *, const char *) = (void *(*)(const char *, const char *))NEXT(popen);
    if (!real || !&environ)
        return ENOSYS;
    while (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        kernel(SYS_sched_yield);
    char **before = environ;
    environ = (char **)environment;
    *attempt->stream = real(attempt->path, attempt->mode);
    int error = *attempt->stream ? 0 : current_errno();
    if (environ == environment)
        environ = before;
    else if (environment != before)
        hide(environ);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return error;
}

void *popen_for(const void *caller, const char *command, const char *mode)
{
    void *stream = NULL;
    struct attempt attempt = {
        .call = call_popen, .path = command, .mode = mode, .spawns = true, .stream = &stream};
    attempt_call(&attempt, AT_FDCWD, "/bin/sh", current_environment(), caller);
    return stream;
}
