/* Recursive calls: nothing but call, compare and add. */
#include "kernel.h"

static __attribute__((noinline)) unsigned fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

unsigned run(unsigned n)
{
    return fib(n);
}
