#!/usr/bin/env bash
# Builds the C peers of tests/VmStateGen.Benchmarks into the folder given (default: $TMPDIR/vmstategen-peers) and prints where it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-${TMPDIR:-/tmp}/vmstategen-peers}
mkdir -p "$out"
gcc -O2 -march=native -Wall -Wextra -shared -fPIC -o "$out/libkernels.so" "$here/kernels.c"
gcc -O2 -march=native -Wall -Wextra -o "$out/stream" "$here/stream.c"
echo "$out"
