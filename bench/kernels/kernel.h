/* kernel.h - a kernel is one function run(n), built as a wasm export and as a native program. */
#ifndef KERNEL_H
#define KERNEL_H

unsigned run(unsigned n);

#ifdef NATIVE
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    printf("%u\n", run(argc > 1 ? (unsigned)atoi(argv[1]) : 1));
    return 0;
}
#endif

#endif
