/* The words of the log, one number each: src/log.rs has the same table, and a test there compares the two. */
#ifndef KILN_KINDS_H
#define KILN_KINDS_H

/* Kinds of record. */
#define KIND_START 1
#define KIND_EXEC 2
#define KIND_EXEC_FAILED 3
#define KIND_BLIND 4
#define KIND_OPEN 5
#define KIND_STAT 6
#define KIND_ACCESS 7
#define KIND_READ_LINK 8
#define KIND_REAL_PATH 9
#define KIND_LIST 10
#define KIND_LOAD 11
#define KIND_GETENV 12
#define KIND_PROBE 13
#define KIND_RENAME 14
#define KIND_REMOVE 15
#define KIND_CREATE 16
#define KIND_MODIFY 17
#define KIND_ASK 18
/* Only kiln itself says it, of a compile that a recorded run asked it for: src/reporter.rs. */
#define KIND_QUESTION 19

/* Detail of KIND_OPEN: a set. */
#define MODE_READ 1
#define MODE_WRITE 2
#define MODE_CREATE 4
#define MODE_TRUNCATE 8
#define MODE_EXCLUSIVE 16
#define MODE_DIRECTORY 32

/* Detail of KIND_GETENV: not the program asks, but the search for another program. */
#define GETENV_SEARCH 1

/* Detail of KIND_LOAD: what was asked for; what was there in the end, with where it makes the loader look; that this was all. */
#define LOAD_ASKED 0
#define LOAD_FOUND 1
#define LOAD_ALL 2

/* What a text of KIND_START is about, by its first byte: the loader's variable; where the program, or the module before, makes the
 * loader look. */
#define START_LIBRARY_PATH "l"
#define START_SEARCH "r"

/* Detail of KIND_STAT. */
#define STAT_FOLLOW 1

/* Detail of KIND_CREATE. */
#define CREATE_DIR 1
#define CREATE_SYMLINK 2
#define CREATE_LINK 3
#define CREATE_TEMP 4
#define CREATE_TEMP_DIR 5
#define CREATE_NODE 6

/* Detail of KIND_ASK. */
#define ASK_TIME 1
#define ASK_MONOTONIC 2
#define ASK_RANDOM 3
#define ASK_PID 4
#define ASK_HOST 5
#define ASK_USER 6
#define ASK_CPUS 7
#define ASK_LIMITS 8
#define ASK_NETWORK 9
#define ASK_CWD 10
#define ASK_DATE 11
#define ASK_UTC 12
#define ASK_UMASK 13
#define ASK_SIGNALS 14
#define ASK_PROCESSOR 15
#define ASK_TERMINAL 16
#define ASK_ATTRIBUTES 17
#define ASK_SPACE 18
#define ASK_OTHERS 19
#define ASK_UNKNOWN 20
#define ASK_UNSEEN 21
#define ASK_COUNT 22

/* Who called. */
#define BY_COMPILER 0
#define BY_LOADED 1

/* The head of the log: magic, capacity, tail (u64 each), next serial, flags (u32 each), and the file that kiln itself is: inode
 * (u64), its device (major and minor, u32 each). Records start at LOG_RECORDS. */
#define LOG_MAGIC 0x31474f4c4e4c494bul
#define LOG_RECORDS 64
/* Flags: a record did not fit; or a path could not be told. Either way the log is not whole. */
#define FLAG_OVERFLOW 1
#define FLAG_LOST 2

#endif
