/* What every file of the object shares: types, numbers of the kernel's interface, raw system calls.
 *
 * Nothing here comes from a libc header, and no libc function is called except the one a hook stands in for: the
 * object is loaded into programs of any libc, of any age, sometimes before that libc has initialised itself. Our own
 * work is done with raw system calls, which also leave errno alone. */
#ifndef KILN_BASE_H
#define KILN_BASE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define EXPORT __attribute__((visibility("default")))
#define NOINLINE __attribute__((noinline))
/* The address a hook returns to: tells the compiler's own calls from those of a library it loaded later. */
#define CALLER __builtin_return_address(0)

#define PATH_LIMIT 4096

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000

#define O_WRONLY 01
#define O_RDWR 02
#define O_ACCMODE 03
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define O_NONBLOCK 04000
#define O_CLOEXEC 02000000
#define O_PATH 010000000
#define O_TMPFILE_BIT 020000000
#ifdef __aarch64__
#define O_DIRECTORY 040000
#else
#define O_DIRECTORY 0200000
#endif

#define EBADF 9
#define EFAULT 14
#define EINTR 4
#define ENOSYS 38

#include "numbers.h"

static inline long kernel6(long number, long a, long b, long c, long d, long e, long f)
{
#ifdef __aarch64__
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
#else
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#endif
}
#define KERNEL_ARGS(n, a, b, c, d, e, f, ...) kernel6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* A system call past libc; a negative result is -errno. */
#define kernel(...) KERNEL_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* text.c: the few string functions, ours because the compiler may call them by these names. Hidden, so that they stand
 * in for nobody else's. */
void *memcpy(void *to, const void *from, u64 size);
void *memmove(void *to, const void *from, u64 size);
void *memset(void *to, int byte, u64 size);
int memcmp(const void *left, const void *right, u64 size);
u64 strlen(const char *text);
int strcmp(const char *left, const char *right);
bool starts_with(const char *text, const char *start);
char *write_decimal(char *to, u64 number);

/* Weak: an unresolved one is null, and then we stay idle. */
extern int *__errno_location(void) __attribute__((weak, visibility("default")));
extern char **environ __attribute__((weak, visibility("default")));

static inline int current_errno(void)
{
    return __errno_location ? *__errno_location() : 0;
}
/* The error of a call that may have failed. */
#define ERROR_IF(failed) ((failed) ? current_errno() : 0)

/* Answers for a libc that lacks the function: a program can only get here by asking for it weakly. */
long refuse(void);
/* Turns a raw result into libc's convention: -1 and errno. */
long libc_result(long raw);

/* elf.c: the function that the program would have got without us. */
void *find_next(const char *name);

#define NEXT(name)                                                  \
    ({                                                              \
        static void *found;                                         \
        void *known = __atomic_load_n(&found, __ATOMIC_RELAXED);    \
        if (UNLIKELY(!known)) {                                     \
            known = find_next(#name);                               \
            __atomic_store_n(&found, known, __ATOMIC_RELAXED);      \
        }                                                           \
        known;                                                      \
    })

/* Opens the definition of a hook; next_<name> calls the real function, or gives `otherwise` where there is none. */
#define HOOK(type, name, parameters, arguments, otherwise)          \
    static inline type next_##name parameters                       \
    {                                                               \
        typedef type (*function) parameters;                        \
        function real = (function)NEXT(name);                       \
        if (UNLIKELY(!real))                                        \
            return (type)(otherwise);                               \
        return real arguments;                                      \
    }                                                               \
    EXPORT type name parameters;                                    \
    EXPORT type name parameters

#endif
