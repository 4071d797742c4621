//! Variables that gcc, clang and the assembler read for themselves: what each can change.
