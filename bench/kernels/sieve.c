/* Byte stores and loads over one megabyte. */
#include "kernel.h"

#define LIMIT 1000000
static unsigned char composite[LIMIT + 1];

unsigned run(unsigned n)
{
    unsigned count = 0;
    while (n--) {
        count = 0;
        for (unsigned i = 2; i <= LIMIT; i++) {
            composite[i] = 0;
        }
        for (unsigned i = 2; i <= LIMIT; i++) {
            if (composite[i]) {
                continue;
            }
            count++;
            for (unsigned j = i * 2; j <= LIMIT; j += i) {
                composite[j] = 1;
            }
        }
    }
    return count;
}
