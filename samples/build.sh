#!/bin/sh
# Builds the sample module program for every platform of the sample catalog:
#   target/samples/{linux-amd64,linux-arm64,linux-arm-v7}/edge-samples   (static, stripped)
# On Debian 12 it installs the cross compilers by name. The Rust compiler (Debian's `rustc-web` with
# `libstd-rust-web-dev` of three architectures) is only unpacked below target/samples/toolchain: installed, its
# foreign libraries would tie the versions of a dozen system libraries together, and it conflicts with Debian's `rustc`.
# Cargo, which builds the rest of the repository, drives it; the crates are those of samples/modules/Cargo.lock.
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
        [ -z "$(find "$source_dir/src" "$source_dir/Cargo.toml" "$source_dir/Cargo.lock" "$root/samples/build.sh" \
            -type f -newer "$binary" -print -quit)" ] || return 1
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
    [ -e "$tools/ready" ] && [ -x "$tools/sysroot/usr/bin/rustc" ] && return 0
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

# A program that is Debian's compiler, whatever other Rust the machine has; for cargo's RUSTC.
wrap_compiler() {
    cat >"$tools/rustc.new" <<END
#!/bin/sh
LD_LIBRARY_PATH="$tools/sysroot/usr/lib/x86_64-linux-gnu:$tools/sysroot/usr/lib" \\
    exec "$tools/sysroot/usr/bin/rustc" --sysroot "$tools/sysroot/usr" "\$@"
END
    chmod 755 "$tools/rustc.new"
    # The same program keeps its time stamp: cargo starts anew for another one.
    if cmp -s "$tools/rustc.new" "$tools/rustc"; then rm "$tools/rustc.new"; else mv "$tools/rustc.new" "$tools/rustc"; fi
}

# Cargo with that compiler, and with a C compiler for each platform. Paths of this machine stay out of the binaries.
debian_cargo() {
    verb=$1
    shift
    wrap_compiler
    env -u RUSTC_WRAPPER -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS RUSTC="$tools/rustc" \
        RUSTFLAGS="-D warnings -C target-feature=+crt-static -C relocation-model=static --remap-path-prefix=$root=. \
            --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        CC_x86_64_unknown_linux_gnu=gcc CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=gcc \
        CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        CC_armv7_unknown_linux_gnueabihf=arm-linux-gnueabihf-gcc \
        CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_LINKER=arm-linux-gnueabihf-gcc \
        "${CARGO:-cargo}" "$verb" --locked --manifest-path "$source_dir/Cargo.toml" --target-dir "$out/cargo" "$@"
}

# take TARGET PLATFORM
take() {
    mkdir -p "$out/$2"
    # As new as this build, also when cargo had it already; whoever runs the old one keeps it.
    cp "$out/cargo/$1/release/edge-samples" "$out/$2/edge-samples.new"
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
    fetch_compiler
    debian_cargo test --target x86_64-unknown-linux-gnu --quiet
}

build() {
    if up_to_date; then say "up to date in $out"; return 0; fi
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "this script needs Debian on amd64"
    mkdir -p "$out"
    install_missing gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
    fetch_compiler
    debian_cargo build --release --target x86_64-unknown-linux-gnu --target aarch64-unknown-linux-gnu \
        --target armv7-unknown-linux-gnueabihf || die "compiling samples/modules failed"
    take x86_64-unknown-linux-gnu linux-amd64
    take aarch64-unknown-linux-gnu linux-arm64
    take armv7-unknown-linux-gnueabihf linux-arm-v7
    for platform in linux-amd64 linux-arm64 linux-arm-v7; do smoke "$platform"; done
}

case ${1:-build} in
    build) build ;;
    test) build && unit_tests ;;
    *) die "unknown word $1; use: samples/build.sh [build|test]" ;;
esac
