/* Does one thing of each kind, by the name of its first argument, for tests/programs.rs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <nl_types.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *const echo[] = {"echo", "hi", NULL};

static int wait_for(pid_t pid)
{
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int visit(const char *path, const struct stat *facts, int kind)
{
    (void)path, (void)facts, (void)kind;
    return 0;
}

static void *read_many(void *path)
{
    for (int i = 0; i < 2000; i++) {
        int file = open(path, O_RDONLY);
        if (file < 0)
            return path;
        close(file);
    }
    return NULL;
}

static int threads(void)
{
    pthread_t all[8];
    void *failed = NULL, *any = NULL;
    for (int i = 0; i < 8; i++)
        pthread_create(&all[i], NULL, read_many, "programs.c");
    for (int i = 0; i < 8; i++) {
        pthread_join(all[i], &failed);
        any = failed ? failed : any;
    }
    return any != NULL;
}

/* The auxiliary vector must still be found behind the environment. */
static int auxiliary(void)
{
    char **end = environ;
    while (*end)
        end++;
    for (unsigned long *entry = (unsigned long *)(end + 1); entry[0]; entry += 2)
        if (entry[0] == 6)
            return entry[1] == (unsigned long)sysconf(_SC_PAGESIZE) ? 0 : 1;
    return 2;
}

static int change(void)
{
    char template[] = "temp-XXXXXX";
    int file = mkstemp(template);
    struct timespec times[2] = {{1, 0}, {1, 0}};
    return file < 0 || mkdir("made", 0755) || rename(template, "made/moved") || symlink("made", "pointer") ||
           link("made/moved", "second") || futimens(file, times) || chmod("second", 0600) ||
           truncate("second", 10) || unlink("second") || remove("pointer") || unlink("made/moved") || rmdir("made");
}

static int look(void)
{
    char buffer[4096];
    struct stat facts;
    int directory = open("sub", O_RDONLY | O_DIRECTORY);
    int file = openat(directory, "inner", O_RDONLY);
    errno = 77;
    FILE *stream = fopen("programs.c", "re");
    if (errno != 77 || !stream || file < 0 || stat("sub", &facts) || access("sub/inner", R_OK))
        return 1;
    if (stat("absent", &facts) != -1 || errno != ENOENT || open("absent", O_RDONLY) != -1 || errno != ENOENT)
        return 2;
    if (!realpath("sub/../sub/inner", buffer) || readlink("way", buffer, sizeof(buffer)) != 3)
        return 3;
    struct dirent **names;
    if (scandir("sub", &names, NULL, NULL) != 3 || fstatat(directory, "inner", &facts, AT_SYMLINK_NOFOLLOW))
        return 4;
    if (syscall(SYS_openat, AT_FDCWD, "programs.c", O_RDONLY) < 0 || syscall(SYS_gettid) != getpid())
        return 5;
    return fdopendir(directory) ? 0 : 6;
}

static int run_program(const char *how, const char *path)
{
    pid_t pid = 0;
    if (!strcmp(how, "execv")) execv("/bin/echo", echo);
    if (!strcmp(how, "execve")) execve("/bin/echo", echo, environ);
    if (!strcmp(how, "execvp")) execvp("echo", echo);
    if (!strcmp(how, "execvpe")) execvpe("echo", echo, environ);
    if (!strcmp(how, "execl")) execl("/bin/echo", "echo", "hi", NULL);
    if (!strcmp(how, "execlp")) execlp("echo", "echo", "hi", NULL);
    if (!strcmp(how, "execle")) execle("/bin/echo", "echo", "hi", NULL, environ);
    if (!strcmp(how, "fexecve")) fexecve(open("/bin/echo", O_RDONLY), echo, environ);
    if (!strcmp(how, "execveat")) execveat(AT_FDCWD, "/bin/echo", echo, environ, 0);
    if (!strcmp(how, "no_environment")) execve("/bin/echo", echo, NULL);
    if (!strcmp(how, "given")) execl(path, path, "other", NULL);
    if (!strcmp(how, "posix_spawn")) return posix_spawn(&pid, "/bin/echo", NULL, NULL, echo, environ) || wait_for(pid);
    if (!strcmp(how, "posix_spawnp")) return posix_spawnp(&pid, "echo", NULL, NULL, echo, environ) || wait_for(pid);
    if (!strcmp(how, "failing"))
        return posix_spawn(&pid, "/bin/absent", NULL, NULL, echo, environ) != ENOENT ||
               execv("/bin/absent", echo) != -1 || errno != ENOENT;
    if (!strcmp(how, "system")) return system("echo hi");
    if (!strcmp(how, "vfork")) {
        if (!(pid = vfork())) {
            execve("/bin/echo", echo, environ);
            _exit(1);
        }
        return wait_for(pid);
    }
    if (!strcmp(how, "fork")) {
        if (!(pid = fork()))
            _exit(open("sub/inner", O_RDONLY) < 0);
        return puts("hi") < 0 || wait_for(pid);
    }
    if (!strcmp(how, "popen")) {
        char line[16] = "";
        char **before = environ;
        FILE *stream = popen("echo hi", "r");
        if (!stream || environ != before || !fgets(line, sizeof(line), stream) || pclose(stream))
            return 1;
        return fputs(line, stdout) < 0;
    }
    return 1;
}

static int blind(const char *how)
{
    glob_t found;
    if (!strcmp(how, "raw_exec")) syscall(SYS_execve, "/bin/echo", echo, environ);
    if (!strcmp(how, "glob")) return glob("sub/*", 0, NULL, &found);
    if (!strcmp(how, "ftw")) return ftw("sub", visit, 4);
    if (!strcmp(how, "namespace")) return !dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW);
    return 1;
}

static int close_all(void)
{
    for (int file = 3; file < 100; file++)
        close(file);
    return open("sub/inner", O_RDONLY) != 3;
}

static int killed(void)
{
    open("sub/inner", O_RDONLY);
    return kill(getpid(), SIGKILL);
}

static int overflow(void)
{
    char path[4000];
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/', path[sizeof(path) - 1] = 0;
    for (int i = 0; i < 20000; i++)
        if (access(path, F_OK) == 0)
            return 1;
    return access("sub/inner", F_OK);
}

extern FILE *_IO_fopen(const char *, const char *);
extern int __getpid(void);

/* Functions that look at something inside libc, and other names of functions. */
static int inside(char **arguments)
{
    char *words[] = {"x", "f", "-a", NULL}, path[4096];
    posix_spawn_file_actions_t actions;
    if (!_IO_fopen("programs.c", "r") || pathconf("sub/inner", _PC_NAME_MAX) < 0 || !realpath("sub/inner", path))
        return 1;
    if (catopen("./absent", 0) != (nl_catd)-1 || inotify_add_watch(inotify_init(), "sub", IN_MODIFY) < 0)
        return 2;
    if (getopt(3, words, "a") != 'a' || getopt(3, words, "+a") != -1)
        return 3;
    if (posix_spawn_file_actions_init(&actions) ||
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0) ||
        posix_spawn_file_actions_addopen(&actions, 1, "/absent/file", O_RDONLY, 0))
        return 4;
    return __getpid() != (int)syscall(SYS_getpid) || ftok("sub", 1) == -1 || umount(arguments[0]) == 0 || kill(1, 0) > 0;
}

/* A directory that is gone has no name. */
static int nowhere(void)
{
    return mkdir("gone", 0755) || chdir("gone") || rmdir("../gone") || access("absent", F_OK) == 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "run")) return run_program(arguments[2], arguments[3]);
    if (!strcmp(what, "blind")) return blind(arguments[2]);
    if (!strcmp(what, "look")) return look();
    if (!strcmp(what, "change")) return change();
    if (!strcmp(what, "threads")) return threads();
    if (!strcmp(what, "auxiliary")) return auxiliary();
    if (!strcmp(what, "close_all")) return close_all();
    if (!strcmp(what, "overflow")) return overflow();
    if (!strcmp(what, "nowhere")) return nowhere();
    if (!strcmp(what, "killed")) return killed();
    if (!strcmp(what, "inside")) return inside(arguments);
    return 0;
}
