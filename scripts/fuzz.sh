#!/bin/sh
# Runs every fuzz target for FUZZ_SECONDS (60), one after another, on seeds made from code: scripts/fuzz.sh [CRATE TARGET].
# Needs the nightly toolchain and cargo-fuzz. What crashes is kept under crates/CRATE/fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
build=${FUZZ_BUILD:-}
cargo +nightly fuzz --version >/dev/null 2>&1 || {
    echo "fuzzing needs the nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 1
}
$build cargo run -q -p domain --example fuzz_seeds >/dev/null
$build cargo run -q -p edge --example fuzz_seeds >/dev/null
export CARGO_TARGET_DIR="$PWD/target/fuzz"
for crate in ${1:-oci domain edge app web}; do
    for target in ${2:-$(cargo +nightly fuzz list --fuzz-dir "crates/$crate/fuzz")}; do
        echo "== $crate $target, $seconds s"
        $build cargo +nightly fuzz build --fuzz-dir "crates/$crate/fuzz" "$target" 2>/dev/null ||
            $build cargo +nightly fuzz build --fuzz-dir "crates/$crate/fuzz" "$target"
        cargo +nightly fuzz run --fuzz-dir "crates/$crate/fuzz" "$target" -- \
            -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
    done
done
