/* What flags and numbers mean, for libc's functions and the system calls behind them alike. */
#ifndef KILN_MODES_H
#define KILN_MODES_H

#include "base.h"
#include "kinds.h"

static inline u8 open_mode(long flags)
{
    u8 mode = 0;
    if (!(flags & O_PATH)) {
        long access = flags & O_ACCMODE;
        mode |= access != O_WRONLY ? MODE_READ : 0;
        mode |= access != 0 ? MODE_WRITE : 0;
        mode |= flags & (O_CREAT | O_TMPFILE_BIT) ? MODE_CREATE : 0;
        mode |= flags & O_TRUNC ? MODE_TRUNCATE : 0;
        mode |= flags & O_EXCL ? MODE_EXCLUSIVE : 0;
    }
    return mode | (flags & O_DIRECTORY ? MODE_DIRECTORY : 0);
}

static inline u8 follows(long flags)
{
    return flags & AT_SYMLINK_NOFOLLOW ? 0 : STAT_FOLLOW;
}

/* Real time, its coarse and its waking form, atomic time; all others count from some start. */
static inline u32 clock_ask(long clock)
{
    return clock == 0 || clock == 5 || clock == 8 || clock == 11 ? ASK_TIME : ASK_MONOTONIC;
}

/* Which question a number of `ioctl` is: addresses and interfaces of the network, attributes of a file. */
static inline u32 control_ask(u64 request)
{
    if ((request & 0xffff) >= 0x8900 && (request & 0xffff) < 0x8a00)
        return ASK_NETWORK;
    /* FS_IOC_GETFLAGS and its kin: type 'f', 'v' or 'X'. */
    u64 type = request >> 8 & 0xff;
    return type == 'f' || type == 'v' || type == 'X' ? ASK_ATTRIBUTES : 0;
}

/* What the auxiliary vector says; that of the stack and of pages is the same wherever a program runs. */
static inline u32 auxiliary_ask(u64 type)
{
    switch (type) {
    case 15: /* platform */
    case 16: /* features */
    case 24:
    case 26:
    case 29:
    case 30: return ASK_PROCESSOR;
    case 11: /* users and groups */
    case 12:
    case 13:
    case 14:
    case 23: return ASK_USER;
    case 25: return ASK_RANDOM;
    case 33: return ASK_TIME; /* where the kernel's own functions are, which tell it */
    }
    return 0;
}

/* What is not the same for every process here, of what `prctl` tells. */
static inline u32 control_process_ask(long option)
{
    switch (option) {
    case 3: /* dumpable */
    case 7: /* capabilities */
    case 21: /* seccomp */
    case 23:
    case 27:
    case 30: /* timer slack */
    case 39: /* no new privileges */
    case 47: return ASK_LIMITS;
    }
    return 0;
}

/* The handlers that a program of Rust asks for at its start, and what every one does to a broken pipe. */
static inline bool is_usual_signal(long signal)
{
    return signal == 7 || signal == 11 || signal == 13;
}

#endif
