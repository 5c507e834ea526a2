#!/bin/sh
# build.sh OUT - from WIT and C to a component: OUT/hello.wasm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1

witc bindgen "$here/wit" -w hello --sync wasi:cli/run@0.3.0#run --out-dir "$out"
clang --target=wasm32 -std=c11 -O2 -Wall -Wextra -ffreestanding -nostdlib -nostdlibinc \
    -isystem "$here/../libc" -I "$out" \
    "$here/hello.c" "$out/hello.c" "$out/hello_component_type.o" "$here/../libc/libc.c" \
    -Wl,--no-entry -o "$out/hello.core.wasm"
witc new "$out/hello.core.wasm" -o "$out/hello.wasm"
