/* core_portme.h - CoreMark as a kernel: run(n) does n iterations in silence. The clock stands still: whole processes are measured. */
#ifndef CORE_PORTME_H
#define CORE_PORTME_H

#include <stddef.h>
#include <stdint.h>

#define HAS_FLOAT            0
#define HAS_TIME_H           0
#define USE_CLOCK            0
#define HAS_STDIO            0
#define HAS_PRINTF           0
#define MAIN_HAS_NOARGC      1
#define MAIN_HAS_NORETURN    0
#define MULTITHREAD          1
#define SEED_METHOD          SEED_VOLATILE
#define MEM_METHOD           MEM_STATIC
#define MEM_LOCATION         "STATIC"
#define COMPILER_VERSION     ""
#define COMPILER_FLAGS       ""
#define PERFORMANCE_RUN      1
#define CORETIMETYPE         ee_u32
#define align_mem(x)         ((void *)(((ee_ptr_int)(x) + 7) & ~(ee_ptr_int)7))
#define default_num_contexts 1u
#define main                 coremark_main

typedef int16_t ee_s16;
typedef uint16_t ee_u16;
typedef int32_t ee_s32;
typedef uint8_t ee_u8;
typedef uint32_t ee_u32;
typedef double ee_f32;
typedef uintptr_t ee_ptr_int;
typedef size_t ee_size_t;
typedef ee_u32 CORE_TICKS;

typedef struct CORE_PORTABLE_S {
    ee_u8 portable_id;
} core_portable;

int ee_printf(const char *format, ...);
void portable_init(core_portable *p, int *argc, char *argv[]);
void portable_fini(core_portable *p);

#endif
