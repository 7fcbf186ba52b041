#!/bin/bash
# Compiles the kernels and their tests, with AddressSanitizer, into .build/kernels and runs them.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .build/kernels
# shellcheck disable=SC2046
clang -fuse-ld=lld -std=gnu11 -O1 -g -Wall -Wextra -Werror \
  -fsanitize=address,undefined -fno-sanitize-recover=undefined \
  -I Sources/CMuonKernels/include Tests/kernels/*.c $(find Sources/CMuonKernels -name '*.c') -lm \
  -o .build/kernels/test
.build/kernels/test
