/* Decides before which programs kiln is put. That is done where they are executed and nowhere else: what a script or a build
 * system finds, and may write down, is the compiler itself, so that what is built goes on without kiln. */
#include "wire.h"
#include "exec.h"
#include "names.h"

#define X_OK 1
#define STATX_INODE 0x100

char kiln_path[PATH_LIMIT];
static enum wiring own;

static bool same_file(const char *one, const char *other)
{
    u8 first[256], second[256];
    if (kernel(SYS_statx, AT_FDCWD, one, 0, STATX_INODE, first) < 0 ||
        kernel(SYS_statx, AT_FDCWD, other, 0, STATX_INODE, second) < 0)
        return false;
    /* The inode, and the numbers of its device. */
    return memcmp(first + 32, second + 32, 8) == 0 && memcmp(first + 136, second + 136, 8) == 0;
}

/* What compilers start is their own affair: linkers, themselves, each other. */
static bool wires_nothing(void)
{
    char exe[PATH_LIMIT];
    long size = kernel(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, PATH_LIMIT - 1);
    if (size <= 0)
        return true;
    exe[size] = 0;
    const char *name = file_name(exe);
    return is_compiler_name(name) || strcmp(name, "rustc") == 0 || strcmp(name, "clippy-driver") == 0 ||
           strcmp(exe, kiln_path) == 0;
}

void start_wiring(enum wiring told)
{
    own = told == UNWIRED || wires_nothing() ? UNWIRED : told;
}

bool wiring(void)
{
    return own != UNWIRED;
}

enum wiring wiring_of(const char *program)
{
    if (own != WIRES_SCRIPTS)
        return own;
    const char *name = file_name(program);
    if (starts_with(name, "build-script-") || starts_with(name, "build_script_"))
        return WIRED;
    /* rustup becomes cargo, which may become one of its subcommands, which starts cargo. */
    bool leads_on = strcmp(name, "cargo") == 0 || starts_with(name, "cargo-") || strcmp(name, "rustup") == 0;
    return leads_on ? WIRES_SCRIPTS : UNWIRED;
}

bool wiring_holds(void)
{
    return kernel(SYS_faccessat, AT_FDCWD, object_path, 0) == 0;
}

/* A program or a script with its interpreter in it. Anything else only shells run, once the kernel has refused to. */
static bool is_executed_by_kernel(const char *path)
{
    char start[4] = {0};
    long file = kernel(SYS_openat, AT_FDCWD, path, O_CLOEXEC | O_NONBLOCK, 0);
    if (file < 0)
        return false;
    kernel(SYS_read, file, start, sizeof(start));
    kernel(SYS_close, file);
    return memcmp(start, "\177ELF", 4) == 0 || memcmp(start, "#!", 2) == 0;
}

/* Where it is called by another name than its file's, that may be how it knows what to do. */
bool is_to_be_wired(const char *program, const char *called)
{
    const char *name = file_name(program);
    return own == WIRED && is_compiler_name(name) && strcmp(name, file_name(called)) == 0 &&
           kernel(SYS_faccessat, AT_FDCWD, program, X_OK) == 0 && is_executed_by_kernel(program) &&
           !same_file(program, kiln_path);
}
