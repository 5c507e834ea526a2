/* map.c - names to numbers, insertion order kept. */
#include "base.h"

static u64 mix(u64 x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

u64 hash_bytes(const void *bytes, size_t n)
{
    const u8 *p = bytes;
    u64 h = 0x9e3779b97f4a7c15u ^ n;
    for (; n >= 8; n -= 8, p += 8) {
        u64 word;
        memcpy(&word, p, 8);
        h = mix(h ^ word) * 0x9fb21c651e98df25u;
    }
    u64 tail = 0;
    if (n) {
        memcpy(&tail, p, n);
    }
    return mix(h ^ tail);
}

/* The slot where `key` stands or would stand. */
static u32 find_slot(const struct map *m, str key, u64 hash)
{
    u32 mask = m->slot_count - 1;
    for (u32 i = (u32)hash & mask;; i = (i + 1) & mask) {
        u32 entry = m->slots[i];
        if (!entry ||
            (m->entries[entry - 1].hash == hash && str_eq(m->entries[entry - 1].key, key))) {
            return i;
        }
    }
}

u32 map_get(const struct map *m, str key)
{
    if (!m->len) {
        return MAP_NONE;
    }
    u32 entry = m->slots[find_slot(m, key, hash_bytes(key.ptr, key.len))];
    return entry ? m->entries[entry - 1].value : MAP_NONE;
}

static void set_slots(struct arena *a, struct map *m, u32 count)
{
    u32 *slots = arena_array(a, u32, count);
    for (u32 e = 0; e < m->len; e++) {
        u32 i = (u32)m->entries[e].hash & (count - 1);
        while (slots[i]) {
            i = (i + 1) & (count - 1);
        }
        slots[i] = e + 1;
    }
    m->slots = slots;
    m->slot_count = count;
}

static struct map_entry *find_or_add(struct arena *a, struct map *m, str key, bool *added)
{
    if ((m->len + 1) * 4 > m->slot_count * 3u) {
        set_slots(a, m, m->slot_count ? m->slot_count * 2 : 16);
    }
    u64 hash = hash_bytes(key.ptr, key.len);
    u32 slot = find_slot(m, key, hash);
    *added = !m->slots[slot];
    if (*added) {
        if (m->len == m->cap) {
            m->entries = vec_grow(a, m->entries, &m->cap, (size_t)m->len + 1, sizeof *m->entries);
        }
        m->entries[m->len] = (struct map_entry){key, hash, MAP_NONE};
        m->slots[slot] = ++m->len;
    }
    return &m->entries[m->slots[slot] - 1];
}

void map_clear(struct map *m)
{
    m->len = 0;
    if (m->slot_count) {
        memset(m->slots, 0, m->slot_count * sizeof *m->slots);
    }
}

void map_reserve(struct arena *a, struct map *m, u32 n)
{
    u32 count = 16;
    while (count < UINT32_MAX / 2 && (u64)n * 4 > (u64)count * 3) {
        count *= 2;
    }
    if (count > m->slot_count) {
        set_slots(a, m, count);
    }
    if (n > m->cap) {
        m->entries =
            arena_realloc(a, m->entries, m->cap * sizeof *m->entries, n * sizeof *m->entries);
        m->cap = n;
    }
}

bool map_put(struct arena *a, struct map *m, str key, u32 value)
{
    bool added;
    find_or_add(a, m, key, &added)->value = value;
    return added;
}

u32 map_add(struct arena *a, struct map *m, str key, u32 value)
{
    bool added;
    struct map_entry *e = find_or_add(a, m, key, &added);
    if (added) {
        e->value = value;
        return MAP_NONE;
    }
    return e->value;
}
