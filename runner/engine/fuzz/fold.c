/* fold.c - fuzz target: bytes choose a random valid module; with and without folding it must do the same. */
#include "generate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    struct choices plain = {.bytes = data, .end = data + size}, defeat = plain;
    struct shown x = run_generated(&a, generate(&a, &plain, false));
    struct shown y = run_generated(&a, generate(&a, &defeat, true));
    if (!same(&x, &y))
        abort();
    arena_free(&a);
    return 0;
}
