/* stdlib.h - the part of it that the generated bindings and the guests use. */
#ifndef BACKEND_STDLIB_H
#define BACKEND_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *realloc(void *old, size_t size);
void free(void *p);
_Noreturn void abort(void);

#endif
