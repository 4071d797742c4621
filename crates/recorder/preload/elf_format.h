/* ELF as the files and the loaded modules have it: 64 bits, little end first. */
#ifndef KILN_ELF_FORMAT_H
#define KILN_ELF_FORMAT_H

#include "base.h"

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_headers, section_headers;
    u32 flags;
    u16 header_size, program_header_size, program_header_count;
};
struct program_header {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, alignment;
};
struct dynamic {
    long tag;
    u64 value;
};
struct symbol {
    u32 name;
    u8 info, other;
    u16 section;
    u64 value, size;
};

#define ET_EXECUTABLE 2
#define ET_SHARED 3
#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_INTERP 3
#define DT_NEEDED 1
#define DT_HASH 4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_RPATH 15
#define DT_RUNPATH 29
#define DT_GNU_HASH 0x6ffffef5
#define DT_VERSYM 0x6ffffff0
#define STT_FUNC 2
#define STT_IFUNC 10
#define VERSION_HIDDEN 0x8000

#endif
