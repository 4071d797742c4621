/* Which programs are C compilers, by their names: the rule of kiln_compiler's recognise.rs, whose lists compilers.h has. A test
 * compares the two. */
#include "names.h"
#include "base.h"
#include "compilers.h"

const char *file_name(const char *path)
{
    const char *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/')
            name = c + 1;
    return name;
}

/* The lists are names with a zero behind each, and one more at the end: pointers would have to be moved by the loader. */
#define EACH(name, list) for (const char *name = list; *name; name += strlen(name) + 1)

static bool is_among(const char *list, const char *name)
{
    EACH(known, list)
        if (strcmp(known, name) == 0)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The size of a name without a version behind it: `-12`, `-4.8.5`. */
static u64 size_without_version(const char *name)
{
    u64 size = strlen(name), at = size;
    while (at > 0 && (is_digit(name[at - 1]) || name[at - 1] == '.'))
        at--;
    return at > 0 && name[at - 1] == '-' && is_digit(name[at]) ? at - 1 : size;
}

/* Whether the name, of that size, is the known one, perhaps behind a target and a dash. */
static bool ends_in(const char *name, u64 size, const char *known)
{
    u64 known_size = strlen(known);
    if (size < known_size || memcmp(name + size - known_size, known, known_size))
        return false;
    return size == known_size || name[size - known_size - 1] == '-';
}

bool is_compiler_name(const char *name)
{
    if (is_among(NOT_COMPILERS, name))
        return false;
    if (is_among(PLAIN_COMPILERS, name))
        return true;
    u64 size = size_without_version(name);
    EACH(known, COMPILERS)
        if (ends_in(name, size, known))
            return true;
    return false;
}
