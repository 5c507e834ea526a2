/* text_names.c - names to indices while text is parsed, name sections, and sizes put in afterwards. */
#include "text.h"

/* ---- Bytes ------------------------------------------------------------------------------------------------ */

enum { SIZE_ROOM = 5 };

size_t text_begin_size(struct buf *b)
{
    buf_fill(b, 0, SIZE_ROOM);
    return b->len;
}

void text_end_size(struct buf *b, size_t at)
{
    char room[16];
    struct buf size = {b->arena, room, 0, sizeof room};
    size_t length = b->len - at;
    buf_uleb(&size, length);
    char *to = b->data + at - SIZE_ROOM;
    memcpy(to, room, size.len);
    memmove(to + size.len, b->data + at, length);
    b->len -= SIZE_ROOM - size.len;
}

void text_end_nested(struct text_parser *p, struct buf *b, size_t at)
{
    size_t before = b->len;
    text_end_size(b, at);
    for (u32 i = p->places ? p->places->list.len : 0; i-- > 0;) {
        if (p->places->list.data[i].offset < at)
            break;
        p->places->list.data[i].offset -= (u32)(before - b->len);
    }
}

void text_put_vec(struct buf *b, u32 count, struct buf *items)
{
    buf_uleb(b, count);
    buf_str(b, buf_view(items));
}

static u32 uleb_size(u32 value)
{
    u32 size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

void text_namemap_add(struct text_namemap *m, u32 index, str name)
{
    text_uleb(&m->bytes, index);
    wasm_write_name(&m->bytes, name);
    m->count++;
}

void text_namemap_put(struct buf *out, u8 id, struct text_namemap *m)
{
    if (m->count == 0)
        return;
    buf_byte(out, id);
    buf_uleb(out, m->bytes.len + uleb_size(m->count));
    text_put_vec(out, m->count, &m->bytes);
}

void text_namemap_nest(struct text_namemap *outer, u32 index, struct text_namemap *m)
{
    if (m->count == 0)
        return;
    text_uleb(&outer->bytes, index);
    text_put_vec(&outer->bytes, m->count, &m->bytes);
    outer->count++;
    m->count = 0;
    m->bytes.len = 0;
}

/* ---- Names to indices --------------------------------------------------------------------------------------- */

u32 text_hash(const char *ptr, size_t n)
{
    u64 h = n * 0x9e3779b97f4a7c15u;
    while (n >= 8) {
        u64 word;
        memcpy(&word, ptr, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
        ptr += 8;
        n -= 8;
    }
    u64 tail = 0;
    for (size_t i = 0; i < n; i++)
        tail = tail << 8 | (u8)ptr[i];
    h = (h ^ tail) * 0xc4ceb9fe1a85ec53u;
    return (u32)(h ^ h >> 32);
}

static u32 find_slot(const struct text_names *m, str name, u32 hash)
{
    u32 mask = m->slot_count - 1;
    u32 slot = hash & mask;
    for (; m->slots[slot]; slot = (slot + 1) & mask) {
        const struct text_name *e = &m->entries[m->slots[slot] - 1];
        if (e->hash == hash && e->len == name.len && memcmp(e->ptr, name.ptr, name.len) == 0)
            break;
    }
    return slot;
}

u32 text_names_get(const struct text_names *m, str name)
{
    if (m->len == 0)
        return TEXT_NONE;
    u32 slot = m->slots[find_slot(m, name, text_hash(name.ptr, name.len))];
    return slot ? m->entries[slot - 1].value : TEXT_NONE;
}

static void grow(struct arena *a, struct text_names *m)
{
    u32 count = m->slot_count ? m->slot_count * 2 : 16;
    m->slots = arena_array(a, u32, count);
    m->slot_count = count;
    m->entries = arena_realloc(a, m->entries, m->cap * sizeof(struct text_name),
                               (size_t)count / 2 * sizeof(struct text_name));
    m->cap = count / 2;
    for (u32 i = 0; i < m->len; i++) {
        struct text_name *e = &m->entries[i];
        e->slot = find_slot(m, str_of(e->ptr, e->len), e->hash);
        m->slots[e->slot] = i + 1;
    }
}

u32 *text_names_at(struct arena *a, struct text_names *m, str name, bool *fresh)
{
    if (m->len == m->cap)
        grow(a, m);
    u32 hash = text_hash(name.ptr, name.len);
    u32 slot = find_slot(m, name, hash);
    *fresh = m->slots[slot] == 0;
    if (*fresh) {
        m->entries[m->len] = (struct text_name){name.ptr, (u32)name.len, hash, slot, TEXT_NONE};
        m->slots[slot] = ++m->len;
    }
    return &m->entries[m->slots[slot] - 1].value;
}

void text_names_clear(struct text_names *m)
{
    for (u32 i = 0; i < m->len; i++)
        m->slots[m->entries[i].slot] = 0;
    m->len = 0;
}

str *text_names_list(struct arena *a, const struct text_names *m)
{
    str *list = arena_array(a, str, m->len);
    for (u32 i = 0; i < m->len; i++)
        list[i] = str_of(m->entries[i].ptr, m->entries[i].len);
    return list;
}
