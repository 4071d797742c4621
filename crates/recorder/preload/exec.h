/* Starting programs, and what they need to be watched in turn. */
#ifndef KILN_EXEC_H
#define KILN_EXEC_H

#include "base.h"

#define LOG_PATH_LIMIT 256

/* This object and the log, as ld.so and the kernel are to find them. */
extern char object_path[PATH_LIMIT];
extern char log_path_text[LOG_PATH_LIMIT];
/* Set once dlopen was called. */
extern bool loaded_late;

/* Whether what this process starts is to be told something: it is recorded, or wired. */
bool follows_children(void);
/* Takes what inject added out of an environment again. */
void hide(char **entries);
/* posix_spawn, watched, on behalf of that caller. */
int spawn_for(const void *caller, int *pid, const char *path, const void *attributes, char *const *arguments);
/* popen, watched; null and errno if it failed. */
void *popen_for(const void *caller, const char *command, const char *mode);
/* False if the file would not load us: see target.c. */
bool watchable(int directory, const char *path);

#endif
