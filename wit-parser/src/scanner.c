/* scanner.c - the one token of WIT that is not regular: block comments, which nest. */
#include "tree_sitter/parser.h"

enum token { BLOCK_COMMENT };

void *tree_sitter_wit_external_scanner_create(void);
void tree_sitter_wit_external_scanner_destroy(void *payload);
unsigned tree_sitter_wit_external_scanner_serialize(void *payload, char *buffer);
void tree_sitter_wit_external_scanner_deserialize(void *payload, const char *buffer,
                                                  unsigned length);
bool tree_sitter_wit_external_scanner_scan(void *payload, TSLexer *lexer,
                                           const bool *valid_symbols);

void *tree_sitter_wit_external_scanner_create(void)
{
    return NULL;
}

void tree_sitter_wit_external_scanner_destroy(void *payload)
{
    (void)payload;
}

unsigned tree_sitter_wit_external_scanner_serialize(void *payload, char *buffer)
{
    (void)payload;
    (void)buffer;
    return 0;
}

void tree_sitter_wit_external_scanner_deserialize(void *payload, const char *buffer,
                                                  unsigned length)
{
    (void)payload;
    (void)buffer;
    (void)length;
}

/* An unterminated comment is no token: the error is at its first character. */
bool tree_sitter_wit_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid_symbols)
{
    (void)payload;
    if (!valid_symbols[BLOCK_COMMENT]) {
        return false;
    }
    while (lexer->lookahead == ' ' || lexer->lookahead == '\t' || lexer->lookahead == '\r' ||
           lexer->lookahead == '\n') {
        lexer->advance(lexer, true);
    }
    if (lexer->lookahead != '/') {
        return false;
    }
    lexer->advance(lexer, false);
    if (lexer->lookahead != '*') {
        return false;
    }
    lexer->advance(lexer, false);
    for (uint32_t depth = 1; depth && !lexer->eof(lexer);) {
        int32_t c = lexer->lookahead;
        lexer->advance(lexer, false);
        if (c == '/' && lexer->lookahead == '*') {
            lexer->advance(lexer, false);
            depth++;
        } else if (c == '*' && lexer->lookahead == '/') {
            lexer->advance(lexer, false);
            depth--;
            if (!depth) {
                lexer->result_symbol = BLOCK_COMMENT;
                lexer->mark_end(lexer);
                return true;
            }
        }
    }
    return false;
}
