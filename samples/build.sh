#!/bin/sh
# Builds the sample module program for every platform of the sample catalog:
#   target/samples/{linux-amd64,linux-arm64,linux-arm-v7}/edge-samples   (static, stripped)
# On Debian 12 it installs the cross compilers by name. The Rust compiler (Debian's `rustc-web` with
# `libstd-rust-web-dev` of three architectures) is only unpacked below target/samples/toolchain: installed, its
# foreign libraries would tie the versions of a dozen system libraries together, and it conflicts with Debian's `rustc`.
# Does nothing when every binary is newer than its sources. `samples/build.sh test` also runs the program's unit tests.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
out=${EDGEMART_SAMPLES_DIR:-$root/target/samples}
source_dir=$root/samples/modules
tools=$out/toolchain
# The compiler release the samples are kept to; any newer one serves when Debian no longer offers it.
rust_wanted=1.85

say() { printf 'samples: %s\n' "$*" >&2; }
die() { printf 'samples: error: %s\n' "$*" >&2; exit 1; }

up_to_date() {
    for platform in linux-amd64 linux-arm64 linux-arm-v7; do
        binary=$out/$platform/edge-samples
        [ -x "$binary" ] || return 1
        [ -z "$(find "$source_dir/src" "$root/samples/build.sh" -type f -newer "$binary" -print -quit)" ] || return 1
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else die "installing Debian packages needs root: run as root, or install by hand: apt-get install $missing"
    fi
}

install_missing() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    # shellcheck disable=SC2086  # a list of package names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
        --no-install-recommends $missing >"$out/apt.log" 2>&1 && return 0
    as_root apt-get -o DPkg::Lock::Timeout=600 update -qq >>"$out/apt.log" 2>&1 || true
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq \
        --no-install-recommends $missing >>"$out/apt.log" 2>&1 \
        || { tail -n 20 "$out/apt.log" >&2; die "apt-get install$missing failed; the whole log is $out/apt.log"; }
}

# apt with its own lists and the three architectures, so that nothing of the machine's own setting changes.
private_apt() {
    command=$1
    shift
    "$command" -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 \
        -o APT::Architectures::=armhf -o Dir::State::lists="$tools/apt/lists" -o Dir::Cache="$tools/apt/cache" \
        -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

# Prints the best version that all three architectures offer: the wanted release first, else the newest.
pick_version() {
    for arch in amd64 arm64 armhf; do
        private_apt apt-cache madison "libstd-rust-web-dev:$arch" | awk -F'|' '{gsub(/ /, "", $2); print $2}' | sort -u
    done | sort | uniq -c | awk '$1 == 3 {print $2}' >"$tools/versions"
    grep -F "$rust_wanted." "$tools/versions" | sort -V | tail -n 1 | grep . || sort -V "$tools/versions" | tail -n 1
}

fetch_compiler() {
    [ -e "$tools/ready" ] && return 0
    rm -rf "$tools"
    mkdir -p "$tools/apt/lists/partial" "$tools/apt/cache/archives/partial" "$tools/debs" "$tools/sysroot"
    say "asking Debian for rustc-web and libstd-rust-web-dev for amd64, arm64 and armhf"
    # One index that fails (a mirror in the middle of a sync) is no harm as long as the packages are found below.
    private_apt apt-get update -qq >"$tools/update.log" 2>&1 || true
    version=$(pick_version)
    [ -n "$version" ] || { cat "$tools/update.log" >&2
        die "no version of libstd-rust-web-dev is offered for amd64, arm64 and armhf alike; is this Debian 12 with a working mirror?"; }
    release=$(printf '%s' "$version" | cut -d. -f1-2)
    say "fetching rustc-web $version (about 140 MB)"
    (cd "$tools/debs" && private_apt apt-get download -qq "rustc-web:amd64=$version" "libstd-rust-web-$release:amd64=$version" \
        "libstd-rust-web-dev:amd64=$version" "libstd-rust-web-dev:arm64=$version" "libstd-rust-web-dev:armhf=$version" \
        >"$tools/download.log" 2>&1) || { cat "$tools/download.log" >&2; die "apt-get download of rustc-web $version failed"; }
    # The compiler's own run-time libraries are ordinary packages of this machine's architecture.
    # shellcheck disable=SC2046
    install_missing $(dpkg-deb -f "$tools"/debs/libstd-rust-web-"$release"_*_amd64.deb Depends \
        | tr ',' '\n' | sed 's/^ *//; s/ .*//' | grep -E '^libllvm')
    for deb in "$tools"/debs/*.deb; do dpkg-deb -x "$deb" "$tools/sysroot"; done
    rm -rf "$tools/debs" "$tools/apt"
    : >"$tools/ready"
}

# Debian's compiler out of its private folder, whatever other Rust the machine has.
debian_rustc() {
    LD_LIBRARY_PATH="$tools/sysroot/usr/lib/x86_64-linux-gnu:$tools/sysroot/usr/lib" "$tools/sysroot/usr/bin/rustc" \
        --sysroot "$tools/sysroot/usr" --edition 2021 --crate-name edge_samples -D warnings "$@"
}

# compile TARGET PLATFORM LINKER
compile() {
    mkdir -p "$out/$2"
    debian_rustc --crate-type bin --target "$1" \
        -C linker="$3" -C target-feature=+crt-static -C relocation-model=static -C panic=abort -C opt-level=s \
        -C lto=fat -C codegen-units=1 -C strip=symbols --remap-path-prefix "$root=." \
        -o "$out/$2/edge-samples.new" "$source_dir/src/main.rs" || die "compiling samples/modules for $1 failed"
    mv "$out/$2/edge-samples.new" "$out/$2/edge-samples"
    say "$2/edge-samples: $(wc -c <"$out/$2/edge-samples") bytes"
}

# Each binary must at least start: natively, or under user-mode emulation where that is installed.
smoke() {
    runner=
    case $1 in
        linux-arm64) runner=$(command -v qemu-aarch64-static) || { say "$1 not run: install qemu-user-static to check it"; return 0; } ;;
        linux-arm-v7) runner=$(command -v qemu-arm-static) || { say "$1 not run: install qemu-user-static to check it"; return 0; } ;;
    esac
    $runner "$out/$1/edge-samples" --list >/dev/null || die "$1/edge-samples was built but does not start"
}

unit_tests() {
    [ -e "$tools/ready" ] || fetch_compiler
    debian_rustc --test -o "$out/unit-tests" "$source_dir/src/main.rs" || die "compiling the tests of samples/modules failed"
    "$out/unit-tests"
}

build() {
    if up_to_date; then say "up to date in $out"; return 0; fi
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "this script needs Debian on amd64"
    mkdir -p "$out"
    install_missing gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
    fetch_compiler
    compile x86_64-unknown-linux-gnu linux-amd64 gcc & first=$!
    compile aarch64-unknown-linux-gnu linux-arm64 aarch64-linux-gnu-gcc & second=$!
    compile armv7-unknown-linux-gnueabihf linux-arm-v7 arm-linux-gnueabihf-gcc & third=$!
    failed=
    for job in "$first" "$second" "$third"; do wait "$job" || failed=yes; done
    [ -z "$failed" ] || die "not every platform could be built"
    for platform in linux-amd64 linux-arm64 linux-arm-v7; do smoke "$platform"; done
}

case ${1:-build} in
    build) build ;;
    test) build && unit_tests ;;
    *) die "unknown word $1; use: samples/build.sh [build|test]" ;;
esac
