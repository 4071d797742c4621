/* Writing records: what every hook uses to say what it saw. */
#ifndef KILN_LOG_H
#define KILN_LOG_H

#include "base.h"
#include "kinds.h"

/* What a record says beside its text; `caller` is the address the hook returns to. */
struct note {
    u16 kind;
    u8 detail;
    int error;
    u32 extra;
    const void *caller;
};
#define NOTE(kind_, detail_, error_) \
    ((struct note){.kind = (kind_), .detail = (u8)(detail_), .error = (error_), .caller = CALLER})

struct span {
    const char *text;
    u64 size;
};

/* Maps the log; false (and nothing is recorded, for ever) if it is not there or not ours. */
bool open_log(const char *path, u32 process_serial);
/* From here on hooks write: START has been written. */
void start_recording(void);
bool recording(void);
u32 new_serial(void);
/* Something happened that the log cannot tell: it is not whole. */
void lose(u32 flag);

/* Whether this is the program that reads the log: it cannot load us, and reports by itself what it was asked for. */
bool is_kiln(int directory, const char *path);

/* A record of two texts: the first `first` spans make up one, the others the second. */
void log_spans(struct note note, const struct span *spans, u32 first, u32 count);
void log_text(struct note note, const char *text);
/* A record of one path, made absolute. Says nothing of pointers that the kernel refused, and of the empty path (it
 * means an open file, or nothing). */
void log_path(struct note note, int directory, const char *path);
void log_pair(struct note note, int from_directory, const char *from, int to_directory, const char *to);
/* A record of a module's path, made absolute, and of a text that is none. */
void log_module(struct note note, const char *path, const char *text);
/* A record of the file behind a descriptor. */
void log_descriptor(struct note note, int descriptor);
/* A question about the machine or the moment; one record for each kind of question and caller. */
void log_ask(u32 ask, const void *caller);
/* As log_text, but one record for each name and caller. */
void log_getenv(const char *name, const void *caller);

#endif
