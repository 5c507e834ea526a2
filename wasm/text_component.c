#include "text.h"
void text_component(struct text_parser *p, str id, struct text_scope *parent, struct buf *out)
{
    (void)id;
    (void)parent;
    (void)out;
    text_fail(p, p->tok, "components are not supported yet");
}
void text_component_fields(struct text_parser *p, str id, str name, struct text_scope *parent,
                           struct buf *out)
{
    (void)id;
    (void)parent;
    (void)out;
    (void)name;
    text_fail(p, p->tok, "components are not supported yet");
}
