/* cache.c - the cache: what has been set, until its time is over. Both functions are async and answer at once. */
#include "cache_provider.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS  64
#define SECOND 1000000000

static struct entry {
    cache_provider_string_t key, value;
    wasi_clocks_monotonic_clock_mark_t expires;
} entries[SLOTS];
static unsigned next_victim;

static bool same(const cache_provider_string_t *a, const cache_provider_string_t *b)
{
    return a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

static struct entry *find(const cache_provider_string_t *key)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (entries[i].key.len && same(&entries[i].key, key))
            return &entries[i];
    }
    return NULL;
}

cache_provider_callback_code_t exports_myapp_backend_cache_get(cache_provider_string_t *key)
{
    const struct entry *e = find(key);
    cache_provider_option_string_t found = {.is_some = false};
    if (e && wasi_clocks_monotonic_clock_now() < e->expires) {
        found.is_some = true;
        found.val = e->value; /* read by the caller before the next line; the memory stays ours */
    }
    exports_myapp_backend_cache_get_return(found);
    cache_provider_string_free(key);
    return CACHE_PROVIDER_CALLBACK_CODE_EXIT;
}

cache_provider_callback_code_t exports_myapp_backend_cache_set(cache_provider_string_t *key,
                                                               cache_provider_string_t *value,
                                                               uint32_t ttl_seconds)
{
    struct entry *e = find(key);
    if (!e)
        e = &entries[next_victim++ % SLOTS];
    cache_provider_string_free(&e->key);
    cache_provider_string_free(&e->value);
    e->key = *key;
    e->value = *value;
    e->expires = wasi_clocks_monotonic_clock_now() + (uint64_t)ttl_seconds * SECOND;
    exports_myapp_backend_cache_set_return();
    return CACHE_PROVIDER_CALLBACK_CODE_EXIT;
}

/* Neither function ever waits. */
cache_provider_callback_code_t exports_myapp_backend_cache_get_callback(
    cache_provider_event_t *event)
{
    (void)event;
    abort();
}

cache_provider_callback_code_t exports_myapp_backend_cache_set_callback(
    cache_provider_event_t *event)
{
    (void)event;
    abort();
}
