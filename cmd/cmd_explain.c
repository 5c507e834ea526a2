/* cmd_explain.c - `witc explain`: what a kind of diagnostic means. */
#include "cmd.h"

static const struct option options[] = {{NULL}};

static const struct explanation {
    const char *code, *text, *example;
} explanations[] = {
#define CODE(code, text, example) {code, text, example},
#include "codes.def"
#include "other_codes.def"
#undef CODE
};

/* Breaks lines at 80 columns. */
static void put_paragraph(struct buf *b, str text)
{
    size_t column = 0;
    while (text.ptr) {
        str word;
        text = str_cut(text, ' ', &word);
        if (column && column + 1 + word.len > 80) {
            buf_byte(b, '\n');
            column = 0;
        } else if (column) {
            buf_byte(b, ' ');
            column++;
        }
        buf_str(b, word);
        column += word.len;
    }
    buf_byte(b, '\n');
}

static void put_example(struct buf *b, str text)
{
    buf_c(b, text.len ? "\nExample:\n\n" : "");
    while (text.len) {
        str line;
        text = str_cut(text, '\n', &line);
        buf_printf(b, "    " STRF "\n", STRA(line));
    }
}

static int list(struct cli *cli)
{
    struct buf b = buf_in(&cli->arena);
    for (u32 i = 0; i < LENGTH_OF(explanations); i++) {
        buf_printf(&b, "%s\n", explanations[i].code);
    }
    return cli_output(cli, buf_view(&b), false) ? 0 : 1;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    if (!cli->args.len) {
        return list(cli);
    }
    str code = str_c(cli->args.data[0]), names[LENGTH_OF(explanations)];
    struct buf b = buf_in(&cli->arena);
    for (u32 i = 0; i < LENGTH_OF(explanations); i++) {
        names[i] = str_c(explanations[i].code);
        if (str_eq(code, names[i])) {
            put_paragraph(&b, str_c(explanations[i].text));
            put_example(&b, str_c(explanations[i].example));
            return cli_output(cli, buf_view(&b), false) ? 0 : 1;
        }
    }
    struct diag *x = diag_error(&cli->diags, "unknown-code", (span){0},
                                "no explanation for `" STRF "`", STRA(code));
    diag_suggest(&cli->diags, x, code, names, LENGTH_OF(explanations));
    diag_help(&cli->diags, x,
              "`witc explain` lists the codes; diagnostics carry them with --message-format=json");
    return 1;
}

const struct command cmd_explain = {
    .name = "explain",
    .summary = "explain a kind of diagnostic",
    .usage = "[CODE]",
    .options = options,
    .run = run,
};
