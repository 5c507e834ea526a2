/* pool.h - tree-sitter's parser with the memory that it and its trees live in. Private to this folder. */
#ifndef WITC_WIT_POOL_H
#define WITC_WIT_POOL_H

#include "base.h"

struct TSLanguage;
struct TSParser;
struct TSTree;
struct wit_pool;

struct wit_pool *wit_pool_new(void);
void wit_pool_free(struct wit_pool *p); /* NULL is fine */
/* Calls fn, with all that tree-sitter allocates and frees in the pool: its objects must not be touched elsewhere. False
 * if memory ran out within: then the pool is spoiled, and nothing is of use but wit_pool_clear and wit_pool_free. */
WITC_NODISCARD bool wit_pool_run(struct wit_pool *p, void (*fn)(void *context), void *context);
bool wit_pool_spoiled(const struct wit_pool *p);
/* Gives back all that is in it, parser and trees. */
void wit_pool_clear(struct wit_pool *p);
/* An arena for what is not needed any more after a text: who uses it resets it. */
struct arena *wit_pool_work(struct wit_pool *p);
/* The pool's parser of WIT, made at first need; it does not repair. Only within wit_pool_run. */
struct TSParser *wit_pool_parser(struct wit_pool *p);
/* Another one, for texts without comments: it is faster. */
struct TSParser *wit_pool_plain_parser(struct wit_pool *p);

/* Their languages, made anew in `a` (language.c). */
const struct TSLanguage *wit_sound_language(struct arena *a);
const struct TSLanguage *wit_plain_language(struct arena *a);
/* What `old` (edited, or NULL) has of the text is used again. NULL: there is a mistake in it. */
struct TSTree *wit_parse_sound(struct TSParser *parser, const struct TSTree *old, str text);

#endif
