/* exec_number.c - the rows of number.def as tail-called functions. */
#include "engine_internal.h"

#if ENGINE_TAIL
#include "exec_tail.h"

#include "forms.h"

#include "number.def"

#endif
