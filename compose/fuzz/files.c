/* files.c - fuzz target: the readers of composition files, WAC and YAML. */
#include "wac.h"
#include "yaml_config.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    struct wac_file wac;
    struct yaml_config yaml;
    diags_init(&d, &a, &sources);
    str text = str_of((const char *)data, size);
    u32 source = sources_add(&sources, STR("input"), text, SOURCE_TEXT);
    bool fine = compose_wac_parse(&a, source, &wac, &d);
    fine |= compose_yaml_read(&a, source, &yaml, &d);
    (void)fine;
    struct buf out = buf_in(&a);
    diags_render(&d, DIAG_TEXT, &out);
    arena_free(&a);
    return 0;
}
