/* snapshot_tool.c - writes the packages in the directories named as the bytes of builtin.def to standard output. */
#include "snapshot.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct sources sources = {0};
    struct diags diags;
    struct wit_resolve r;
    struct buf blob = buf_in(&arena), text = buf_in(&arena);
    diags_init(&diags, &arena, &sources);
    wit_resolve_init(&r, &arena, &diags);
    bool fine = wit_snapshot_directories(&r, (const char *const *)argv + 1, (u32)argc - 1, &blob);
    for (size_t i = 0; i < blob.len; i++) {
        printf("%u,%s", (unsigned char)blob.data[i], i % 32 == 31 ? "\n" : "");
    }
    diags_render(&diags, DIAG_TEXT, &text);
    if (text.len) {
        fwrite(text.data, 1, text.len, stderr);
    }
    arena_free(&arena);
    return !fine;
}
