#!/bin/sh
# All measurements, printed as tables, of the build that an operator runs. Nothing here fails on a slow machine; read the
# ratios.
set -eu
cd "$(dirname "$0")/.."
bench/packages.sh
cargo build --release -p edgemart
cargo build -q -p edge --examples
cargo run -q -p app --example search_speed -- 10000
echo
python3 bench/registry.py
echo
if [ "${BENCH_GO_PEERS:-}" = 1 ]; then
  python3 bench/zb.py
  echo
fi
python3 bench/edge.py
echo
python3 bench/submit.py
echo
python3 bench/trial.py
