/* Heap sort through an indirect comparison. */
#include "kernel.h"

#define SIZE 100000
static int values[SIZE];

static int less(int x, int y)
{
    return x < y;
}
static int more(int x, int y)
{
    return x > y;
}
int (*volatile orders[2])(int, int) = {less, more};

static void sift(int (*before)(int, int), unsigned root, unsigned end)
{
    for (unsigned child; (child = root * 2 + 1) < end; root = child) {
        if (child + 1 < end && before(values[child], values[child + 1])) {
            child++;
        }
        if (!before(values[root], values[child])) {
            return;
        }
        int t = values[root];
        values[root] = values[child];
        values[child] = t;
    }
}

unsigned run(unsigned n)
{
    unsigned sum = 0;
    while (n--) {
        unsigned seed = 12345 + n;
        for (unsigned i = 0; i < SIZE; i++) {
            seed = seed * 1664525 + 1013904223;
            values[i] = (int)(seed >> 8);
        }
        int (*before)(int, int) = orders[n & 1];
        for (unsigned i = SIZE / 2; i-- > 0;) {
            sift(before, i, SIZE);
        }
        for (unsigned end = SIZE; --end > 0;) {
            int t = values[0];
            values[0] = values[end];
            values[end] = t;
            sift(before, 0, end);
        }
        sum += (unsigned)values[SIZE / 3];
    }
    return sum;
}
