#!/bin/sh
# build.sh NAME WORLD OUT - compiles the guest NAME.c against the bindings of WORLD in OUT/NAME, then makes the core module
# a component: OUT/NAME.wasm. Plain clang and wasm-ld are enough; ../libc has the few functions of a C library that it takes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1
out=$3
world=$(printf %s "$2" | tr - _)
bindings=$out/$name

clang --target=wasm32 -std=c11 -O2 -Wall -Wextra -ffreestanding -nostdlib -nostdlibinc \
    -isystem "$here/../libc" -I "$bindings" \
    "$here/$name.c" "$bindings/$world.c" "$bindings/${world}_component_type.o" "$here/../libc/libc.c" \
    -Wl,--no-entry -o "$bindings/$name.core.wasm"
witc new "$bindings/$name.core.wasm" -o "$out/$name.wasm"
