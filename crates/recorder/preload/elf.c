/* Finds what the program would have called without us, as dlsym(RTLD_NEXT) would, but without needing dlsym: its
 * symbol version differs between libcs and their ages, and a needed version would keep the object from loading. */
#include "elf.h"
#include "elf_format.h"
#include "kinds.h"

/* The public part of what dl_iterate_phdr hands out, the same in every libc. */
struct phdr_info {
    u64 base;
    const char *name;
    const struct program_header *headers;
    u16 header_count;
};

extern int dl_iterate_phdr(int (*)(struct phdr_info *, u64, void *), void *)
    __attribute__((weak, visibility("default")));

struct module start_modules[MODULE_LIMIT];
u32 start_module_count;
static u32 own_index = MODULE_LIMIT;

/* An address inside this object. */
static const char here;

static struct module describe(const struct phdr_info *info)
{
    struct module module = {.base = info->base, .low = ~0ul, .name = info->name ? info->name : ""};
    for (u32 i = 0; i < info->header_count; i++) {
        const struct program_header *header = &info->headers[i];
        u64 start = info->base + header->address;
        if (header->type == PT_DYNAMIC)
            module.dynamic = (const void *)start;
        if (header->type != PT_LOAD)
            continue;
        if (start < module.low)
            module.low = start;
        if (start + header->memory_size > module.high)
            module.high = start + header->memory_size;
    }
    return module;
}

static bool contains(const struct module *module, const void *address)
{
    return (u64)address >= module->low && (u64)address < module->high;
}

struct tables {
    const struct symbol *symbols;
    const char *names;
    const u16 *versions;
    const u32 *gnu_hash, *hash;
};

/* glibc writes absolute addresses into the dynamic section, musl leaves them relative. */
static const void *absolute(const struct module *module, u64 value)
{
    return (const void *)(value < module->low ? value + module->base : value);
}

static struct tables read_tables(const struct module *module)
{
    struct tables tables = {0};
    for (const struct dynamic *entry = module->dynamic; entry && entry->tag; entry++) {
        const void *at = absolute(module, entry->value);
        switch (entry->tag) {
        case DT_SYMTAB: tables.symbols = at; break;
        case DT_STRTAB: tables.names = at; break;
        case DT_VERSYM: tables.versions = at; break;
        case DT_GNU_HASH: tables.gnu_hash = at; break;
        case DT_HASH: tables.hash = at; break;
        }
    }
    return tables;
}

const char *search_of(const struct module *module)
{
    const char *names = read_tables(module).names;
    for (const struct dynamic *entry = module->dynamic; names && entry && entry->tag; entry++)
        if (entry->tag == DT_RPATH || entry->tag == DT_RUNPATH)
            return names + entry->value;
    return NULL;
}

struct search {
    const char *name;
    u32 gnu_hash;
    struct tables tables;
    /* The best so far: a default version ends the search, an old one (`name@OLD`) is taken where nothing else is. */
    const struct symbol *best;
    u32 best_version;
};

/* True if this is the default version of the name. */
static bool consider(struct search *search, u32 index)
{
    const struct tables *tables = &search->tables;
    const struct symbol *symbol = &tables->symbols[index];
    u32 type = symbol->info & 15;
    if (!symbol->section || !symbol->value || (type && type != STT_FUNC && type != STT_IFUNC))
        return false;
    if (strcmp(tables->names + symbol->name, search->name))
        return false;
    u32 version = tables->versions ? tables->versions[index] : 1;
    if (version == 0)
        return false;
    if (!(version & VERSION_HIDDEN)) {
        search->best = symbol;
        return true;
    }
    if (version > search->best_version) {
        search->best = symbol;
        search->best_version = version;
    }
    return false;
}

static void search_gnu_hash(struct search *search)
{
    const u32 *table = search->tables.gnu_hash;
    u32 bucket_count = table[0], first = table[1], bloom_size = table[2], shift = table[3];
    const u64 *bloom = (const u64 *)(table + 4);
    const u32 *buckets = (const u32 *)(bloom + bloom_size);
    const u32 *chain = buckets + bucket_count;
    u32 hash = search->gnu_hash;
    u64 word = bloom_size ? bloom[(hash / 64) % bloom_size] : 0;
    if (!bucket_count || !(word >> (hash % 64) & word >> ((hash >> shift) % 64) & 1))
        return;
    u32 index = buckets[hash % bucket_count];
    if (index < first)
        return;
    for (;; index++) {
        u32 found = chain[index - first];
        if ((found | 1) == (hash | 1) && consider(search, index))
            return;
        if (found & 1)
            return;
    }
}

static void search_hash(struct search *search)
{
    u32 hash = 0;
    for (const char *c = search->name; *c; c++) {
        hash = (hash << 4) + (u8)*c;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    const u32 *table = search->tables.hash, *buckets = table + 2, *chain = buckets + table[0];
    if (!table[0])
        return;
    for (u32 index = buckets[hash % table[0]]; index; index = chain[index])
        if (consider(search, index))
            return;
}

static void *find_in(const struct module *module, struct search *search)
{
    search->tables = read_tables(module);
    search->best = NULL;
    search->best_version = 0;
    if (!search->tables.symbols || !search->tables.names)
        return NULL;
    if (search->tables.gnu_hash)
        search_gnu_hash(search);
    else if (search->tables.hash)
        search_hash(search);
    if (!search->best)
        return NULL;
    void *address = (void *)(module->base + search->best->value);
    if ((search->best->info & 15) == STT_IFUNC)
        return ((void *(*)(u64, void *))address)(0, NULL);
    return address;
}

/* The kernel's own object exports `clock_gettime` and the like under names that are not libc's. */
static bool is_kernel_object(const struct module *module)
{
    return starts_with(module->name, "linux-vdso") || starts_with(module->name, "linux-gate");
}

struct walk {
    void (*visit)(const struct module *, void *);
    void *data;
};

static int walk_one(struct phdr_info *info, u64 size, void *data)
{
    (void)size;
    struct walk *walk = data;
    struct module module = describe(info);
    walk->visit(&module, walk->data);
    return 0;
}

void each_module(void (*visit)(const struct module *, void *), void *data)
{
    struct walk walk = {visit, data};
    if (dl_iterate_phdr)
        dl_iterate_phdr(walk_one, &walk);
}

struct late_search {
    struct search *search;
    bool after_us;
    void *found;
};

static void find_late(const struct module *module, void *data)
{
    struct late_search *late = data;
    if (contains(module, &here))
        late->after_us = true;
    else if (late->after_us && !late->found && !is_kernel_object(module))
        late->found = find_in(module, late->search);
}

void *find_next(const char *name)
{
    struct search search = {.name = name, .gnu_hash = 5381};
    for (const char *c = name; *c; c++)
        search.gnu_hash = search.gnu_hash * 33 + (u8)*c;
    for (u32 i = own_index + 1; i < start_module_count; i++) {
        if (is_kernel_object(&start_modules[i]))
            continue;
        void *found = find_in(&start_modules[i], &search);
        if (found)
            return found;
    }
    /* Called before our constructor, or the library that has it (an old libdl) came later. */
    struct late_search late = {.search = &search};
    each_module(find_late, &late);
    return late.found;
}

static void collect_one(const struct module *module, void *data)
{
    (void)data;
    if (start_module_count == MODULE_LIMIT)
        return;
    if (contains(module, &here))
        own_index = start_module_count;
    start_modules[start_module_count++] = *module;
}

bool collect_modules(void)
{
    each_module(collect_one, NULL);
    return own_index < start_module_count;
}

u32 own_module(void)
{
    return own_index;
}

u32 caller_kind(const void *address)
{
    for (u32 i = 0; i < start_module_count; i++)
        if (contains(&start_modules[i], address))
            return BY_COMPILER;
    return BY_LOADED;
}
