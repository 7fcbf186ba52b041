#!/bin/bash
# Compiles the kernels and their tests, with AddressSanitizer, into .build/kernels and runs them: as they are, and
# with AVX2's instructions in place of those of AVX-VNNI; where the processor has AVX-512, once more with its
# instructions in place of those of AVX-VNNI and AMX.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .build/kernels
for mode in MUON_TEST_AS_IT_IS "MUON_TEST_ON_AVX2 avx2" "MUON_TEST_ON_AVX512 avx512_vnni"; do
  read -r define needs <<< "$mode"
  [ -z "$needs" ] || grep -qw "$needs" /proc/cpuinfo || continue
  # shellcheck disable=SC2046
  clang -fuse-ld=lld -std=gnu11 -O2 -g -Wall -Wextra -Werror "-D$define" \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -I Sources/CMuonKernels/include -I Tests/kernels Tests/kernels/*.c $(find Sources/CMuonKernels -name '*.c') -lm \
    -o .build/kernels/test
  echo "$define"
  .build/kernels/test
done
