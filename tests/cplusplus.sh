#!/bin/sh
# Each public header is one that C++ can include, alone and after the others, and declares C functions.
set -eu
compiler=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
includes='' all=''
for header in "$@"; do
    case $header in *.def) continue ;; esac # tables that the headers include
    includes="$includes -I$(dirname "$header")"
    all="$all#include \"$(basename "$header")\"
"
done
check() {
    # shellcheck disable=SC2086
    "$compiler" -std=c++17 -Wall -Wextra -Wno-missing-field-initializers -Werror $includes -c "$folder/use.cc" -o "$folder/use.o"
}
for header in "$@"; do
    case $header in *.def) continue ;; esac
    printf '#include "%s"\n#include "%s"\n' "$(basename "$header")" "$(basename "$header")" >"$folder/use.cc"
    check
done
cat >"$folder/use.cc" <<C
${all}struct engine_store *make() { return engine_store_new(nullptr); }
struct wit_workspace *workspace() { return wit_workspace_new(); }
C
check
for name in engine_store_new wit_workspace_new; do
    nm "$folder/use.o" | grep -q " U $name\$" || { echo "$name is not a C function to C++"; exit 1; }
done
