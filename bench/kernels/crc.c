/* Shifts, masks and a table look-up for each byte. */
#include "kernel.h"

#define SIZE 1000000
static unsigned table[256];
static unsigned char bytes[SIZE];

unsigned run(unsigned n)
{
    for (unsigned i = 0; i < 256; i++) {
        unsigned c = i;
        for (int k = 0; k < 8; k++) {
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        }
        table[i] = c;
    }
    for (unsigned i = 0; i < SIZE; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    }
    unsigned crc = ~0u;
    while (n--) {
        for (unsigned i = 0; i < SIZE; i++) {
            crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
        }
    }
    return ~crc;
}
