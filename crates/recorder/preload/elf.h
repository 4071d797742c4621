/* The modules of this process. */
#ifndef KILN_ELF_H
#define KILN_ELF_H

#include "base.h"

struct module {
    u64 base, low, high;
    const char *name;
    const void *dynamic;
};

#define MODULE_LIMIT 512

/* Those that were there when the program started: what is called from anywhere else was loaded later. */
extern struct module start_modules[MODULE_LIMIT];
extern u32 start_module_count;

/* Fills start_modules; false if this process cannot be looked at. */
bool collect_modules(void);
/* Calls back for each module that is there now. */
void each_module(void (*visit)(const struct module *module, void *data), void *data);
/* The index of this object in start_modules, or start_module_count. */
u32 own_module(void);
/* Where the loader is to look for what a module needs (RPATH or RUNPATH), or null. */
const char *search_of(const struct module *module);
/* BY_COMPILER or BY_LOADED. */
u32 caller_kind(const void *address);

#endif
