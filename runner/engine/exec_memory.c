/* exec_memory.c - the rows of memory.def as tail-called functions. */
#include "engine_internal.h"

#if ENGINE_TAIL
#include "exec_tail.h"

#include "forms.h"

#include "memory.def"

#endif
