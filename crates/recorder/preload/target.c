/* Judges a program before it runs: one that cannot load this object must not be asked to. ld.so would print into its
 * stderr, or the program would see our variables; the run then counts as unrecorded. */
#include "elf_format.h"
#include "exec.h"
#include "names.h"

#define SCRIPT_DEPTH 4
/* As much of a script's first line as the kernel looks at. */
#define START_LIMIT 256
#define STATX_MODE 2
#define SET_ID_BITS 06000
#ifdef __aarch64__
#define OUR_MACHINE 183
#else
#define OUR_MACHINE 62
#endif

static bool is_set_id(long file)
{
    u8 facts[256];
    u16 mode;
    if (kernel(SYS_statx, file, "", AT_EMPTY_PATH, STATX_MODE, facts) < 0)
        return false;
    memcpy(&mode, facts + 28, sizeof(mode));
    return mode & SET_ID_BITS;
}

#define HEADER_LIMIT 32
#define DYNAMIC_LIMIT 64

/* The program headers, and with them all that is asked of a file. */
struct image {
    long file;
    u32 count;
    struct program_header headers[HEADER_LIMIT];
};

static bool read_image(struct image *image, long file, const struct elf_header *header)
{
    image->file = file;
    image->count = header->program_header_count;
    if (image->count > HEADER_LIMIT || header->program_header_size != sizeof(struct program_header))
        return false;
    long size = (long)(image->count * sizeof(struct program_header));
    return kernel(SYS_pread64, file, image->headers, size, header->program_headers) == size;
}

static const struct program_header *find_header(const struct image *image, u32 type)
{
    for (u32 i = 0; i < image->count; i++)
        if (image->headers[i].type == type)
            return &image->headers[i];
    return NULL;
}

/* Where in the file an address of the program comes from. */
static u64 file_offset(const struct image *image, u64 address)
{
    for (u32 i = 0; i < image->count; i++) {
        const struct program_header *header = &image->headers[i];
        if (header->type == PT_LOAD && address - header->address < header->file_size)
            return address - header->address + header->offset;
    }
    return 0;
}

static bool is_jealous(const struct image *image, u64 name_offset)
{
    char name[24] = {0};
    kernel(SYS_pread64, image->file, name, sizeof(name) - 1, name_offset);
    return starts_with(name, "libasan.") || starts_with(name, "libclang_rt.asan");
}

/* The address sanitizer's runtime ends the program if any other library comes before it, as all preloaded ones do. */
static bool needs_to_be_first(const struct image *image)
{
    struct dynamic entries[DYNAMIC_LIMIT];
    const struct program_header *header = find_header(image, PT_DYNAMIC);
    u64 names = 0;
    if (!header)
        return false;
    long size = kernel(SYS_pread64, image->file, entries, sizeof(entries), header->offset);
    u32 count = size > 0 ? (u32)((u64)size / sizeof(struct dynamic)) : 0;
    for (u32 i = 0; i < count && entries[i].tag; i++)
        if (entries[i].tag == DT_STRTAB)
            names = file_offset(image, entries[i].value);
    for (u32 i = 0; names && i < count && entries[i].tag; i++)
        if (entries[i].tag == DT_NEEDED && is_jealous(image, names + entries[i].value))
            return true;
    return false;
}

/* A dynamic loader called by name has no interpreter, being one, and obeys LD_PRELOAD. */
static bool is_loader(const char *path)
{
    const char *name = file_name(path);
    return starts_with(name, "ld-linux") || starts_with(name, "ld-musl");
}

static bool elf_watchable(long file, const char *path, const struct elf_header *header)
{
    /* 64 bits, little end first. */
    if (header->ident[4] != 2 || header->ident[5] != 1 || header->machine != OUR_MACHINE)
        return false;
    if (header->type != ET_EXECUTABLE && header->type != ET_SHARED)
        return false;
    struct image image;
    if (is_set_id(file) || !read_image(&image, file, header))
        return false;
    return is_loader(path) || (find_header(&image, PT_INTERP) && !needs_to_be_first(&image));
}

/* Cuts `#! /bin/sh -e` down to `/bin/sh`; null if there is no name. */
static const char *script_interpreter(char name[START_LIMIT], const char *line, long size)
{
    const char *from = line + 2, *end = line + size;
    char *to = name;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (from < end && *from && *from != ' ' && *from != '\t' && *from != '\n')
        *to++ = *from++;
    *to = 0;
    return to == name ? NULL : name;
}

bool watchable(int directory, const char *path)
{
    char start[START_LIMIT], interpreter[START_LIMIT];
    for (u32 depth = 0; path && depth < SCRIPT_DEPTH; depth++) {
        long file = kernel(SYS_openat, directory, path, O_CLOEXEC | O_NONBLOCK, 0);
        /* Unreadable is not unwatchable: if it runs after all without reporting, that is noticed. */
        if (file < 0)
            return true;
        long size = kernel(SYS_read, file, start, sizeof(start));
        struct elf_header header;
        memcpy(&header, start, sizeof(header));
        bool elf = size >= (long)sizeof(header) && memcmp(start, "\177ELF", 4) == 0;
        bool answer = elf ? elf_watchable(file, path, &header) : true;
        kernel(SYS_close, file);
        if (elf || size < 2 || start[0] != '#' || start[1] != '!')
            return answer;
        directory = AT_FDCWD;
        path = script_interpreter(interpreter, start, size);
    }
    return true;
}
