/* Stands in the place of a build script's executable and hands it to kiln, which runs it under the recorder or knows what
 * it does. Where kiln is not there (any more), the script runs as if this were it. No libc: a few thousand bytes, and a
 * start that is not felt.
 *
 * src/launcher.rs writes the two names below. */

#define PATH_LIMIT 4096
#define NAME_LIMIT 256
#define ARGUMENT_LIMIT 256

/* The marks by which src/launcher.rs finds them. */
__attribute__((used, section(".data"))) char kiln_path[PATH_LIMIT] = "kiln: the path of kiln";
__attribute__((used, section(".data"))) char real_name[NAME_LIMIT] = "kiln: the name of the script";

#ifdef __aarch64__
#define SYS_readlinkat 78
#define SYS_execve 221
#define SYS_exit_group 94
#define SYS_write 64
static long kernel(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory", "cc");
    return x0;
}
__asm__(".globl _start\n_start:\n mov x0, sp\n bl begin\n");
#else
#define SYS_readlinkat 267
#define SYS_execve 59
#define SYS_exit_group 231
#define SYS_write 1
static long kernel(long number, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#endif

static char real[PATH_LIMIT + NAME_LIMIT];
static char *handed[ARGUMENT_LIMIT + 3];

static void end(const char *said, long size, long code)
{
    kernel(SYS_write, 2, (long)said, size, 0);
    kernel(SYS_exit_group, code, 0, 0, 0);
    __builtin_unreachable();
}
#define END(text) end(text, sizeof(text) - 1, 127)

/* What lies beside this file, which may have been moved with its directory. */
static void find_real(void)
{
    long size = kernel(SYS_readlinkat, -100, (long)"/proc/self/exe", (long)real, PATH_LIMIT);
    if (size <= 0 || size >= PATH_LIMIT)
        END("kiln: error: a build script cannot tell where it is; is /proc mounted?\n");
    while (size > 0 && real[size - 1] != '/')
        size--;
    long at = 0;
    do
        real[size + at] = real_name[at];
    while (real_name[at++]);
}

__attribute__((used, noreturn)) void begin(long *stack)
{
    long count = stack[0];
    char **arguments = (char **)(stack + 1);
    char **environment = arguments + count + 1;
    find_real();
    if (count <= ARGUMENT_LIMIT) {
        handed[0] = kiln_path;
        handed[1] = real;
        for (long i = 1; i < count; i++)
            handed[i + 1] = arguments[i];
        kernel(SYS_execve, (long)kiln_path, (long)handed, (long)environment, 0);
    }
    kernel(SYS_execve, (long)real, (long)arguments, (long)environment, 0);
    END("kiln: error: the build script that this stands in for cannot be run; remove it and build again\n");
}
