/* Kiln before compilers. */
#ifndef KILN_WIRE_H
#define KILN_WIRE_H

#include "base.h"

/* What a process is told to do about compilers: nothing; to put kiln before those that it starts, and to tell its children
 * the same; or, of cargo, to tell that its build scripts. */
enum wiring { UNWIRED, WIRED, WIRES_SCRIPTS };

/* The word that says the last of them. src/wiring.rs has it, too, and what starts the first argument of a kiln that was put
 * before a compiler; a test there compares them. */
#define WORD_SCRIPTS "scripts"
#define CALLED "kiln as "

/* Empty where nobody is wired. */
extern char kiln_path[PATH_LIMIT];

/* Takes on what this process is told, unless it is a program that wires nothing: kiln, or a compiler. */
void start_wiring(enum wiring told);
bool wiring(void);
/* What a program that is about to run is to be told. */
enum wiring wiring_of(const char *program);
/* Whether it can be told: the object is still there, for ld.so would complain. */
bool wiring_holds(void);
/* Whether kiln is to be put before this program, which is called so. */
bool is_to_be_wired(const char *program, const char *called);

#endif
