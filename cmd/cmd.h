/* cmd.h - what the subcommands share: reading arguments from a table, showing diagnostics, writing results.
 *
 * A command is a table of options and a function. The function reads its arguments from struct cli and
 * returns the exit code: 0 fine, 1 diagnostics (they are in cli->diags, shown by main), 2 wrong usage (cli_usage).
 */
#ifndef WITC_CMD_H
#define WITC_CMD_H

#include "base.h"
#include "wasm.h"

enum option_kind { OPTION_FLAG, OPTION_VALUE };

/* One row of a command's option table. An option may always be given several times. */
struct option {
    const char *name; /* long name, without the dashes; NULL ends the table */
    char letter;      /* short form, 0 if none */
    const char
        *value; /* name of its value in the help text; NULL: a flag; "=NAME": may be left out */
    const char *help;
};

struct cli;
struct command {
    const char *name;
    const char *summary;
    const char *usage; /* what follows "witc NAME " in the usage line */
    const struct option *options;
    bool rest_is_guest; /* options after the first positional argument belong to it (run) */
    int (*run)(struct cli *cli);
};

struct option_use {
    const struct option *option;
    const char *value; /* NULL for a flag */
};

struct cli {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    enum diag_format format;
    const struct command *command;
    VEC(struct option_use) uses;
    VEC(const char *) args; /* positional arguments */
};

/* Options that every command takes, see cli.c. Rows to put into a command's own table where it reads WebAssembly: */
#define OPTION_FEATURES                                                                       \
    {                                                                                         \
        "features", 'f', "LIST", "turn features on, or off with a leading `-`; `all` for all" \
    }
#define OPTION_OUTPUT                                                    \
    {                                                                    \
        "output", 'o', "FILE", "where to write, `-` for standard output" \
    }
#define OPTION_TEXT                     \
    {                                   \
        "text",                         \
        't',                            \
        NULL,                           \
        "print text instead of binary", \
    },                                  \
    {                                   \
        "wat", 0, NULL, "the same"      \
    }

bool cli_flag(const struct cli *cli, const char *name);
/* The last value given, or NULL. */
const char *cli_value(const struct cli *cli, const char *name);
/* All values given, in order; comma lists stay whole. */
u32 cli_values(struct cli *cli, const char *name, const char ***values);

/* Reports wrong usage (not a diagnostic: it goes with the usage line) and gives 2. */
int cli_usage(struct cli *cli, const char *format, ...) WITC_PRINTF(2, 3);
/* True if the number of positional arguments is within; else has called cli_usage. */
bool cli_expect_args(struct cli *cli, u32 least, u32 most);

/* The features of --features on top of the defaults; false after a diagnostic. */
WITC_NODISCARD bool cli_features(struct cli *cli, struct features *out);
/* Reads a .wasm or .wat file. */
WITC_NODISCARD bool cli_read_binary(struct cli *cli, const char *path, struct features features,
                                    struct wasm_binary *out);
/* Writes a result to --output, or standard output. Binary is not written to a terminal. */
WITC_NODISCARD bool cli_output(struct cli *cli, str bytes, bool binary);
/* The same for bytes that are a binary, as text when --text is given. */
WITC_NODISCARD bool cli_output_wasm(struct cli *cli, str bytes);

struct wit_resolve;
/* Hands --features and --all-features (of @unstable items) to a resolve. */
void cli_wit_features(struct cli *cli, struct wit_resolve *r);

/* Shows and forgets the diagnostics so far. */
void cli_flush(struct cli *cli);

#define COMMAND(table) extern const struct command table;
#include "commands.def"
#undef COMMAND
extern const struct command *const commands[];
extern const u32 command_count;
extern const struct option common_options[];
/* Tries to show the manual page of a command; false if there is none to be found. */
bool show_manual(struct cli *cli, const char *command);
void print_command_help(struct cli *cli, const struct command *c);

#endif
