/* exec_vector.c - the rows of vector.def as tail-called functions. */
#include "engine_internal.h"

#if ENGINE_TAIL
#include "exec_tail.h"

#include "forms.h"

#include "vector.def"

#endif
