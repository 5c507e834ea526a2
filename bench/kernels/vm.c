/* A small byte-code machine driven by a switch. */
#include "kernel.h"

enum { PUSH, ADD, SUB, DUP, SWAP, JNZ, LOAD, STORE, HALT };

/* while (x) { sum += x; x -= 1; } */
static const unsigned char program[] = {LOAD, 0, LOAD, 1,   ADD,   STORE, 1,   LOAD, 0,
                                        PUSH, 1, SUB,  DUP, STORE, 0,     JNZ, 0,    HALT};

static unsigned interpret(unsigned count)
{
    unsigned stack[16], memory[4] = {count, 0, 0, 0}, sp = 0;
    for (const unsigned char *pc = program;;) {
        switch (*pc++) {
        case PUSH: stack[sp++] = *pc++; break;
        case ADD:
            sp--;
            stack[sp - 1] += stack[sp];
            break;
        case SUB:
            sp--;
            stack[sp - 1] -= stack[sp];
            break;
        case DUP:
            stack[sp] = stack[sp - 1];
            sp++;
            break;
        case SWAP: {
            unsigned t = stack[sp - 1];
            stack[sp - 1] = stack[sp - 2];
            stack[sp - 2] = t;
            break;
        }
        case JNZ:
            sp--;
            pc = stack[sp] ? program + *pc : pc + 1;
            break;
        case LOAD: stack[sp++] = memory[*pc++]; break;
        case STORE: memory[*pc++] = stack[--sp]; break;
        default: return memory[1];
        }
    }
}

unsigned run(unsigned n)
{
    unsigned sum = 0;
    while (n--) {
        sum += interpret(200000 + n);
    }
    return sum;
}
