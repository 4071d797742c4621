/* Programs by their names. */
#ifndef KILN_NAMES_H
#define KILN_NAMES_H

#include "base.h"

/* What is behind the last slash. */
const char *file_name(const char *path);
/* Whether a file of this name is a C compiler that kiln knows. */
bool is_compiler_name(const char *name);

#endif
