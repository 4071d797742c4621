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

#endif
