#!/bin/sh
# Installs into an empty folder and uses what is there: program, both libraries, headers, pkg-config file, manual
# pages, completions.
set -eu
build=$1 cc=$2
source=$(cd "$(dirname "$0")/.." && pwd)
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix" >/dev/null

for file in bin/witc include/witc/base.h include/witc/wit-parser.h share/man/man1/witc.1 \
    share/bash-completion/completions/witc share/zsh/site-functions/_witc share/fish/vendor_completions.d/witc.fish; do
    [ -s "$prefix/$file" ] || { echo "not installed: $file"; exit 1; }
done
[ "$("$prefix/bin/witc" --version)" = "$("$build/witc" --version)" ]

cat >"$prefix/use.c" <<'C'
#include <stdio.h>
#include <witc/wit-parser.h>

int main(void)
{
    struct arena arena = {0};
    struct sources sources = {0};
    struct diags diags;
    struct wit_resolve resolve;
    u32 package;
    diags_init(&diags, &arena, &sources);
    wit_resolve_init(&resolve, &arena, &diags);
    u32 source = sources_add(&sources, STR("a.wit"), STR("package a:b; interface i { f: func(x: u32) -> string; }"), SOURCE_TEXT);
    bool fine = wit_push_source(&resolve, source, &package) && resolve.interfaces.len == 1;
    struct wit_workspace *workspace = wit_workspace_new();
    fine = fine && wit_workspace_open(workspace, STR("b.wit"), STR("package a:b;")) == 0;
    wit_workspace_free(workspace);
    printf("%s\n", fine ? "fine" : "broken");
    arena_free(&arena);
    return !fine;
}
C
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name witc.pc)")
export PKG_CONFIG_PATH
sanitize=
nm "$build/witc" | grep -q __asan_init && sanitize="-fsanitize=address,undefined"
for kind in shared static; do
    if [ "$kind" = static ]; then
        libraries="$(dirname "$PKG_CONFIG_PATH")/libwitc.a $(pkg-config --static --libs-only-l witc | sed 's/-lwitc//')"
    else
        libraries=$(pkg-config --libs witc)
    fi
    # shellcheck disable=SC2046,SC2086
    "$cc" -std=gnu11 $sanitize $(pkg-config --cflags witc) "$prefix/use.c" -o "$prefix/use-$kind" $libraries
    # shellcheck disable=SC2046,SC2086
    "$cc" -std=gnu11 $sanitize $(pkg-config --cflags witc) "$source/examples/embed/embed.c" -o "$prefix/embed-$kind" $libraries
    [ "$(LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$prefix/embed-$kind" | tail -n 1)" = "the sum is 6" ] ||
        { echo "examples/embed does not work with the $kind library"; exit 1; }
    [ "$(LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$prefix/use-$kind")" = fine ] || { echo "the $kind library does not work"; exit 1; }
done
