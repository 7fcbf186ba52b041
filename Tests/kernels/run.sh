#!/bin/bash
# Compiles the kernels and their tests, with AddressSanitizer, into .build/kernels and runs them: those of
# AVX-VNNI a second time with the instructions of AVX512-VNNI, where the processor has only these.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .build/kernels
for define in MUON_TEST_AS_IT_IS MUON_TEST_AVX512VL_VNNI; do
  # shellcheck disable=SC2046
  clang -fuse-ld=lld -std=gnu11 -O1 -g -Wall -Wextra -Werror "-D$define" \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -I Sources/CMuonKernels/include Tests/kernels/*.c $(find Sources/CMuonKernels -name '*.c') -lm \
    -o .build/kernels/test
  echo "$define"
  .build/kernels/test
  grep -qw avx512_vnni /proc/cpuinfo || break
done
