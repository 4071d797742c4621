/* Starts the compiler `cc`, which is beside it, in every way there is, for tests/wiring.rs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *const words[] = {"cc", "-c", "a b.c", NULL};
static char *const none[] = {NULL};

static int wait_for(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int piped(void)
{
    char line[4096];
    FILE *pipe = popen("cc -c 'a b.c'", "r");
    while (pipe && fgets(line, sizeof(line), pipe))
        fputs(line, stdout);
    return WEXITSTATUS(pclose(pipe));
}

int main(int count, char **arguments)
{
    const char *way = count > 2 ? arguments[1] : "", *path = arguments[2];
    pid_t pid = 0;
    if (!strcmp(way, "execve")) execve(path, words, environ);
    if (!strcmp(way, "execv")) execv(path, words);
    if (!strcmp(way, "execvp")) execvp("cc", words);
    if (!strcmp(way, "execvpe")) execvpe("cc", words, environ);
    if (!strcmp(way, "execl")) execl(path, words[0], words[1], words[2], (char *)NULL);
    if (!strcmp(way, "execlp")) execlp("cc", words[0], words[1], words[2], (char *)NULL);
    if (!strcmp(way, "execle")) execle(path, words[0], words[1], words[2], (char *)NULL, environ);
    if (!strcmp(way, "no_environment")) execve(path, words, none);
    if (!strcmp(way, "fexecve")) fexecve(open(path, O_RDONLY), words, environ);
    if (!strcmp(way, "execveat")) execveat(AT_FDCWD, path, words, environ, 0);
    if (!strcmp(way, "posix_spawn")) return posix_spawn(&pid, path, NULL, NULL, words, environ) ? 98 : wait_for(pid);
    if (!strcmp(way, "posix_spawnp")) return posix_spawnp(&pid, "cc", NULL, NULL, words, environ) ? 98 : wait_for(pid);
    if (!strcmp(way, "vfork")) {
        if ((pid = vfork()) == 0) {
            execve(path, words, environ);
            _exit(1);
        }
        return wait_for(pid);
    }
    if (!strcmp(way, "fork")) {
        if ((pid = fork()) == 0) {
            execvp("cc", words);
            _exit(1);
        }
        return wait_for(pid);
    }
    if (!strcmp(way, "system")) return WEXITSTATUS(system("cc -c 'a b.c'"));
    if (!strcmp(way, "popen")) return piped();
    return 99;
}
