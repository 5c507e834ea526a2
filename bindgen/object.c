/* object.c - W_component_type.o: a relocatable core module that carries the world in a custom section. The symbol that it
 * defines is used by W.c, so the linker takes the object, and with it the section. */
#include "gen.h"

static void put_section(struct buf *out, u8 id, str contents)
{
    buf_byte(out, id);
    buf_uleb(out, contents.len);
    buf_str(out, contents);
}

static void put_name(struct buf *out, str name)
{
    buf_uleb(out, name.len);
    buf_str(out, name);
}

void bindgen_object(struct gen *g, str type_section, struct buf *out)
{
    struct buf custom = buf_in(g->arena), symbols = buf_in(g->arena), linking = buf_in(g->arena);
    str suffix = g->options->type_section_suffix;

    buf_put(out, "\0asm\1\0\0\0", 8);
    put_section(out, 1, str_of("\x01\x60\x00\x00", 4));  /* one type: () -> () */
    put_section(out, 3, str_of("\x01\x00", 2));          /* one function of it */
    put_section(out, 10, str_of("\x01\x02\x00\x0b", 4)); /* its body: no locals, end */

    put_name(&custom,
             str_printf(g->arena, "component-type:" STRF STRF, STRA(g->world_name), STRA(suffix)));
    buf_str(&custom, type_section);
    put_section(out, 0, buf_view(&custom));

    buf_put(&symbols, "\x01\x00\x00\x00", 4); /* one symbol: a function, no flags, index 0 */
    put_name(&symbols, str_concat(g->arena, STR("__component_type_object_force_link_"), g->snake));
    put_name(&linking, STR("linking"));
    buf_put(&linking, "\x02\x08", 2); /* version 2; a symbol table */
    put_name(&linking, buf_view(&symbols));
    put_section(out, 0, buf_view(&linking));
}
