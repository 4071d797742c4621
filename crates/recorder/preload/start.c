/* The first and the last thing that happens in a process: take the log from the environment, say who we are, and
 * leave no trace there. */
#include "elf.h"
#include "exec.h"
#include "log.h"
#include "wire.h"

char object_path[PATH_LIMIT];
char log_path_text[LOG_PATH_LIMIT];

static const char PRELOAD[] = "LD_PRELOAD=";
static const char RECORD[] = "KILN_RECORD=";
static const char LIBRARY_PATH[] = "LD_LIBRARY_PATH=";

static char *find_entry(char **entries, const char *start)
{
    for (; entries && *entries; entries++)
        if (starts_with(*entries, start))
            return *entries;
    return NULL;
}

/* The last character of that kind, or null. */
static char *last_of(char *text, char wanted)
{
    char *found = NULL;
    for (; *text; text++)
        if (*text == wanted)
            found = text;
    return found;
}

static bool copy(char *to, u64 limit, const char *from)
{
    u64 size = strlen(from);
    if (size >= limit)
        return false;
    memcpy(to, from, size + 1);
    return true;
}

static const char *end_of_part(const char *text)
{
    while (*text && *text != ':')
        text++;
    return text;
}

static bool copy_part(char *to, u64 limit, const char *from, const char *end)
{
    u64 size = (u64)(end - from);
    if (size >= limit)
        return false;
    memcpy(to, from, size);
    to[size] = 0;
    return true;
}

/* What KILN_RECORD says: `<log>:<serial>`, and `:<kiln>` behind that where kiln is to be put before compilers. Without a log
 * nothing is recorded, and a word may be in the serial's place. */
struct told {
    u32 serial;
    enum wiring wiring;
};

static bool read_serial(struct told *told, const char *from, const char *end)
{
    u64 number = 0;
    for (; from < end; from++) {
        if (*from < '0' || *from > '9' || number > 0xffffffff)
            return false;
        number = number * 10 + (u64)(*from - '0');
    }
    told->serial = (u32)number;
    return true;
}

static bool read_told(struct told *told, const char *value)
{
    const char *log_end = end_of_part(value);
    if (!*log_end)
        return false;
    const char *middle = log_end + 1, *middle_end = end_of_part(middle);
    const char *kiln = *middle_end ? middle_end + 1 : "";
    if (!copy_part(log_path_text, LOG_PATH_LIMIT, value, log_end) || !copy(kiln_path, PATH_LIMIT, kiln))
        return false;
    told->wiring = *kiln ? WIRED : UNWIRED;
    if (log_path_text[0])
        return read_serial(told, middle, middle_end);
    if (starts_with(middle, WORD_SCRIPTS) && told->wiring)
        told->wiring = WIRES_SCRIPTS;
    return true;
}

/* Our object is the last of the list. Without a colon it is the only one, and the user had none; with one before it,
 * even at the very start, the user had a value, perhaps an empty one. */
static char *own_preload(char *value)
{
    char *colon = last_of(value, ':');
    return colon ? colon + 1 : value;
}

/* Takes the entry out of the array, and out of /proc/self/environ. */
static char **remove_entry(char **slot)
{
    memset(*slot, 0, strlen(*slot));
    char **to = slot;
    while ((to[0] = to[1]))
        to++;
    return slot;
}

/* Some runtimes find the auxiliary vector by walking past the end of the environment. Two entries less leave room for
 * exactly one auxiliary entry that says "ignore me". */
static void fill_gap(char **old_end, u32 removed)
{
    if (removed == 2) {
        old_end[-1] = (char *)1; /* AT_IGNORE */
        old_end[0] = NULL;
    }
}

void hide(char **entries)
{
    char **slot = entries;
    u32 removed = 0;
    while (*slot) {
        if (starts_with(*slot, RECORD)) {
            slot = remove_entry(slot);
            removed++;
        } else if (starts_with(*slot, PRELOAD)) {
            char *value = *slot + sizeof(PRELOAD) - 1, *own = own_preload(value);
            if (own == value) {
                slot = remove_entry(slot);
                removed++;
            } else {
                memset(own - 1, 0, strlen(own) + 1);
                slot++;
            }
        } else {
            slot++;
        }
    }
    fill_gap(slot + removed, removed);
}

static bool has_slash(const char *path)
{
    for (; *path; path++)
        if (*path == '/')
            return true;
    return false;
}

#define START_LIMIT (6 + 6 * MODULE_LIMIT)

struct start_text {
    struct span spans[START_LIMIT];
    u32 count;
};

static void add_span(struct start_text *text, const char *from, u64 size)
{
    text->spans[text->count++] = (struct span){from, size};
}

/* Behind a zero, what kind of text it is, and the text. */
static void add_text(struct start_text *text, const char *kind, const char *from)
{
    add_span(text, "", 1);
    if (*kind)
        add_span(text, kind, strlen(kind));
    add_span(text, from, strlen(from));
}

/* A module, and where it makes the loader look. One that was found by a relative path is below the directory. */
static void add_module(struct start_text *text, const struct module *module, struct span directory)
{
    const char *search = search_of(module);
    if (module->name[0] && !has_slash(module->name))
        return; /* the kernel's own */
    if (module->name[0] && module->name[0] != '/') {
        add_span(text, "", 1);
        add_span(text, directory.text, directory.size);
        add_span(text, "/", 1);
        add_span(text, module->name, strlen(module->name));
    } else if (module->name[0] == '/') {
        add_text(text, "", module->name);
    }
    if (search)
        add_text(text, START_SEARCH, search);
}

/* Text of the start record: executable, directory, the loader's variable, then the modules, with a zero between each. */
static void log_start(char **entries)
{
    static struct start_text text;
    char exe[PATH_LIMIT], directory[PATH_LIMIT];
    long exe_size = kernel(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, PATH_LIMIT);
    long directory_size = kernel(SYS_getcwd, directory, PATH_LIMIT) - 1;
    if (exe_size < 0 || exe_size == PATH_LIMIT || directory_size < 0)
        lose(FLAG_LOST);
    struct span here = {directory, directory_size > 0 ? (u64)directory_size : 0};
    add_span(&text, exe, exe_size > 0 ? (u64)exe_size : 0);
    add_span(&text, "", 1);
    add_span(&text, here.text, here.size);
    char *library_path = find_entry(entries, LIBRARY_PATH);
    if (library_path)
        add_text(&text, START_LIBRARY_PATH, library_path + sizeof(LIBRARY_PATH) - 1);
    for (u32 i = 0; i < start_module_count; i++)
        if (i != own_module())
            add_module(&text, &start_modules[i], here);
    struct note note = {.kind = KIND_START, .error = (int)kernel(SYS_getpid)};
    log_spans(note, text.spans, text.count, text.count);
}

/* glibc hands constructors the environment and may not have set `environ` yet; musl has, and hands over nothing. */
static char **environment_of(char **argument)
{
    if (find_next("gnu_get_libc_version"))
        return argument;
    return &environ ? environ : NULL;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv;
    bool modules = collect_modules();
    char **entries = environment_of(envp);
    char *record = find_entry(entries, RECORD), *preload = find_entry(entries, PRELOAD);
    if (!record)
        return;
    struct told told = {0, UNWIRED};
    bool ready = modules && preload && read_told(&told, record + sizeof(RECORD) - 1) &&
                 copy(object_path, PATH_LIMIT, own_preload(preload + sizeof(PRELOAD) - 1));
    if (ready)
        start_wiring(told.wiring);
    if (ready && log_path_text[0] && open_log(log_path_text, told.serial)) {
        log_start(entries);
        start_recording();
    }
    hide(entries);
}

static void log_late(const struct module *module, void *data)
{
    (void)data;
    if (!has_slash(module->name) || caller_kind((const void *)module->low) == BY_COMPILER)
        return;
    struct note note = {.kind = KIND_LOAD, .detail = LOAD_FOUND, .caller = (const void *)module->low};
    const char *search = search_of(module);
    log_module(note, module->name, search ? search : "");
}

bool loaded_late;

/* dlopen also loads what its argument needs, without asking anybody: looked at once, at the end. */
__attribute__((destructor)) static void end(void)
{
    if (!loaded_late || !recording())
        return;
    each_module(log_late, NULL);
    log_text((struct note){.kind = KIND_LOAD, .detail = LOAD_ALL}, "");
}
