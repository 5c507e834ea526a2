/* cmd_completion.c - `witc completion SHELL`: completions made from the option tables. */
#include "cmd.h"

#include <stdio.h>

static const struct option options[] = {{NULL}};

/* Writes the options of both tables, each as `before` + "--name" + `after`. */
static void put_options(struct buf *b, const struct command *c, const char *separator)
{
    const struct option *tables[] = {c->options, common_options};
    for (size_t t = 0; t < LENGTH_OF(tables); t++) {
        for (const struct option *o = tables[t]; o && o->name; o++) {
            buf_printf(b, "--%s%s", o->name, separator);
            if (o->letter) {
                buf_printf(b, "-%c%s", o->letter, separator);
            }
        }
    }
}

static void bash(struct buf *b)
{
    buf_c(b,
          "# bash completion for witc\n_witc() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"");
    for (u32 i = 0; i < command_count; i++) {
        buf_printf(b, "%s ", commands[i]->name);
    }
    buf_c(b, "--help --version\"\n    else\n        case ${COMP_WORDS[1]} in\n");
    for (u32 i = 0; i < command_count; i++) {
        buf_printf(b, "        %s) words=\"", commands[i]->name);
        put_options(b, commands[i], " ");
        buf_c(b, "\" ;;\n");
    }
    buf_c(b, "        esac\n    fi\n    case $cur in\n    -*) COMPREPLY=($(compgen -W \"$words\" "
             "-- \"$cur\")) ;;\n"
             "    *)  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- "
             "\"$cur\"))\n"
             "        else COMPREPLY=($(compgen -f -- \"$cur\")); fi ;;\n    esac\n}\n"
             "complete -o filenames -F _witc witc\n");
}

/* Help texts inside single quotes, brackets and colons escaped as zsh's _arguments wants them. */
static void put_zsh_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') {
            buf_c(b, "'\\''");
        } else {
            if (*text == '[' || *text == ']' || *text == ':' || *text == '\\') {
                buf_byte(b, '\\');
            }
            buf_byte(b, (u8)*text);
        }
    }
}

static void zsh(struct buf *b)
{
    buf_c(b, "#compdef witc\n_witc() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n");
    for (u32 i = 0; i < command_count; i++) {
        buf_printf(b, "      '%s:", commands[i]->name);
        put_zsh_text(b, commands[i]->summary);
        buf_c(b, "'\n");
    }
    buf_c(b, "    )\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n "
             " shift words\n"
             "  (( CURRENT-- ))\n  case $command in\n");
    for (u32 i = 0; i < command_count; i++) {
        buf_printf(b, "    %s) _arguments", commands[i]->name);
        const struct option *tables[] = {commands[i]->options, common_options};
        for (size_t t = 0; t < LENGTH_OF(tables); t++) {
            for (const struct option *o = tables[t]; o && o->name; o++) {
                buf_printf(b, " '*--%s[", o->name);
                put_zsh_text(b, o->help);
                buf_printf(b, "]%s%s%s'", o->value ? ":" : "", o->value ? o->value : "",
                           o->value ? ":_files" : "");
            }
        }
        buf_c(b, " '*:file:_files' ;;\n");
    }
    buf_c(b, "  esac\n}\n_witc \"$@\"\n");
}

static void put_fish_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') {
            buf_byte(b, '\\');
        }
        buf_byte(b, (u8)*text);
    }
}

static void fish(struct buf *b)
{
    buf_c(b, "# fish completion for witc\n");
    for (u32 i = 0; i < command_count; i++) {
        buf_printf(b, "complete -c witc -n __fish_use_subcommand -f -a %s -d '", commands[i]->name);
        put_fish_text(b, commands[i]->summary);
        buf_c(b, "'\n");
    }
    for (u32 i = 0; i < command_count; i++) {
        const struct option *tables[] = {commands[i]->options, common_options};
        for (size_t t = 0; t < LENGTH_OF(tables); t++) {
            for (const struct option *o = tables[t]; o && o->name; o++) {
                buf_printf(b, "complete -c witc -n '__fish_seen_subcommand_from %s' -l %s",
                           commands[i]->name, o->name);
                if (o->letter) {
                    buf_printf(b, " -s %c", o->letter);
                }
                buf_printf(b, "%s -d '", o->value ? " -r" : "");
                put_fish_text(b, o->help);
                buf_c(b, "'\n");
            }
        }
    }
}

static int run(struct cli *cli)
{
    static const struct {
        const char *name;
        void (*print)(struct buf *b);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    if (!cli_expect_args(cli, 1, 1)) {
        return 2;
    }
    for (size_t i = 0; i < LENGTH_OF(shells); i++) {
        if (strcmp(cli->args.data[0], shells[i].name) == 0) {
            struct buf b = buf_in(&cli->arena);
            shells[i].print(&b);
            return file_write("-", buf_view(&b), &cli->diags) ? 0 : 1;
        }
    }
    return cli_usage(cli, "no completions for `%s`, only for bash, zsh and fish",
                     cli->args.data[0]);
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "print shell completions for bash, zsh or fish",
    .usage = "SHELL",
    .options = options,
    .run = run,
};
