#!/bin/sh
# Installs the Debian packages that tests and benchmarks talk to, and registers qemu's emulators for arm with the kernel,
# so that images for it run in containers; does nothing when all is here.
set -eu

as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi

# Where systemd is no part of the machine nobody reads Debian's entries below /usr/lib/binfmt.d. Left alone is a machine
# that has none of it, or does not allow it: the tests say what they then do.
register() {
    kernel=/proc/sys/fs/binfmt_misc
    grep -qs binfmt_misc /proc/filesystems || return 0
    for name in qemu-arm qemu-aarch64; do
        entry=/usr/lib/binfmt.d/$name.conf
        if [ -e "$kernel/$name" ] || [ ! -e "$entry" ]; then
            continue
        fi
        [ -e "$kernel/register" ] || $as_root mount -t binfmt_misc binfmt_misc "$kernel" || return 0
        # The kernel takes one entry a write, with its escapes as they stand.
        grep -v '^#' "$entry" | $as_root dd of="$kernel/register" bs=4096 2>/dev/null ||
            echo "packages.sh: $name could not be registered; images for other architectures are not run" >&2
    done
}

packages="skopeo podman podman-compose buildah runc iptables docker-registry postgresql chromium chromium-driver qemu-user-static apache2-utils wrk iproute2 util-linux python3 python3-venv mosquitto openssl"
# For one of the SDKs and to fetch the accessibility checker. Node may come from elsewhere, and then brings npm along.
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm"

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    register
    exit 0
fi

echo "installing:$missing" >&2
# The cluster that Debian's package would start is not ours: the tests start one of their own on a free port.
$as_root mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold $missing >&2
register
