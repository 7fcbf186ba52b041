#!/bin/bash
# soak.sh PYTHON: what users rely on, at length: under an hour on 2 cores, two at most. libFuzzer runs
# beside the rest. LIBMUON_SEED, which is printed, repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?the Python that has the package installed}
export LIBMUON_SOAK=1 LIBMUON_SEED=${LIBMUON_SEED:-$(date +%Y%m%d)}
echo "LIBMUON_SEED=$LIBMUON_SEED"

log=.build/fuzz/soak.log
mkdir -p .build/fuzz
timeout 45m Tests/fuzz/run.sh 1800 "$LIBMUON_SEED" > "$log" 2>&1 &
fuzzer=$!
# In the background too, and waited for: so a signal is heard at once.
trap 'trap - INT TERM; kill $(jobs -p) 2> /dev/null; exit 130' INT TERM

status=0
for folder in Tests/checkpoint Tests/robust; do
  timeout 60m "$python" -m pytest -v -s --no-header --durations=0 --durations-min=1 "$folder" &
  wait $! || status=1
done
wait "$fuzzer" || status=1
echo "libFuzzer, loading checkpoints:"
tail -n 12 "$log"
exit "$status"
