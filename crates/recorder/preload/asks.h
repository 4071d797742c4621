/* Hooks that note a question and pass it on. */
#ifndef KILN_ASKS_H
#define KILN_ASKS_H

#include "log.h"

/* A hook that notes the question and passes it on. */
#define ASK(type, name, parameters, arguments, ask, otherwise)  \
    HOOK(type, name, parameters, arguments, otherwise)          \
    {                                                           \
        log_ask(ask, CALLER);                                   \
        return next_##name arguments;                           \
    }                                                           \
    struct declared_##name

/* A hook that notes a question only where its arguments ask one. */
#define ASK_IF(type, name, parameters, arguments, condition, ask, otherwise)   \
    HOOK(type, name, parameters, arguments, otherwise)                          \
    {                                                                           \
        if (condition)                                                          \
            log_ask(ask, CALLER);                                               \
        return next_##name arguments;                                           \
    }                                                                           \
    struct declared_##name

/* Functions of numbers and pointers only, whatever they are: up to six come in registers, and the result leaves in one. `failed` is what
 * a libc without the function answers. */
#define SIX (long a, long b, long c, long d, long e, long f)
#define LOOK(name, ask, failed) ASK(long, name, SIX, (a, b, c, d, e, f), ask, failed)
/* Eight: the last two lie on the caller's stack. */
#define LOOK_EIGHT(name, ask, failed)                                                                          \
    ASK(long, name, (long a, long b, long c, long d, long e, long f, long g, long h), (a, b, c, d, e, f, g, h), ask, \
        failed)
/* Only where a refusal tells something. */
#define LOOK_REFUSED(name, ask)                                                 \
    HOOK(long, name, SIX, (a, b, c, d, e, f), refuse())                         \
    {                                                                           \
        long result = next_##name(a, b, c, d, e, f);                            \
        if ((int)result < 0)                                                    \
            log_ask(ask, CALLER);                                               \
        return result;                                                          \
    }                                                                           \
    struct declared_##name

/* asks.c: whether a variable has a value, without a record of that; false where nothing is recorded. */
bool is_set(const char *name);

#endif
