#!/bin/bash
# run.sh SECONDS [SEED]: fuzzes the reading of checkpoints for so long. What it finds is left in
# .build/fuzz/found; the files it has learnt from in .build/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?seconds to run for} seed=${2:-1} out=.build/fuzz
mkdir -p "$out/corpus" "$out/found" "$out/objects" "$out/modules"

# The library's module under the sanitizers, without what they do not need: its tests and its C interface.
headers=(-I Sources/CMuonKernels/include -I Sources/CMuonShims/include)
for source in $(find Sources/CMuonKernels Sources/CMuonShims -name '*.c'); do
  object=$out/objects/$(tr / - <<< "${source%.c}").o
  [ "$object" -nt "$source" ] || clang -O2 "${headers[@]}" -c "$source" -o "$object"
done
maps=()
for module in CMuonKernels CMuonShims; do
  map=$out/modules/$module.modulemap
  header=$(ls "$PWD/Sources/$module/include/"*.h)
  printf 'module %s {\n  header "%s"\n  export *\n}\n' "$module" "$header" > "$map"
  maps+=(-Xcc "-fmodule-map-file=$map")
done

sanitizers=(-sanitize=fuzzer,address -parse-as-library -O -package-name libmuon "${maps[@]}")
# shellcheck disable=SC2046
swiftc "${sanitizers[@]}" -static -emit-library -emit-module -module-name MuonOptimizers \
  -enable-upcoming-feature InternalImportsByDefault \
  $(find Sources/MuonOptimizers -name '*.swift') -wmo \
  -emit-module-path "$out/modules/MuonOptimizers.swiftmodule" -o "$out/objects/libMuonOptimizers.a"
# shellcheck disable=SC2046
swiftc "${sanitizers[@]}" -I "$out/modules" Tests/fuzz/CheckpointFuzzer.swift \
  "$out/objects/libMuonOptimizers.a" "$out"/objects/*.o -lm \
  -o "$out/checkpoint-fuzzer"

# The first byte of an input is none of the file: see CheckpointFuzzer.swift.
for choice in '\000' '\007' '\010'; do
  { printf "$choice"; cat Tests/Fixtures/checkpoints/version1.safetensors; } \
    > "$out/corpus/version1-${choice#\\}"
done
# Leaks are not looked for: Swift keeps flags in the pointers of its indirect enums, and the sanitizer then
# takes a schedule that is in use for lost. Tests/checkpoint looks at the memory of a process instead.
ASAN_OPTIONS=detect_leaks=0 "$out/checkpoint-fuzzer" -detect_leaks=0 -max_total_time="$seconds" -seed="$seed" -max_len=20000 -timeout=10 \
  -rss_limit_mb=1024 -dict=Tests/fuzz/checkpoint.dict -artifact_prefix="$out/found/" \
  -print_final_stats=1 -close_fd_mask=1 "$out/corpus"
