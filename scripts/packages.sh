#!/bin/sh
# Installs the Debian packages that tests and benchmarks talk to; does nothing when all are here.
set -eu

packages="skopeo podman podman-compose buildah runc iptables docker-registry postgresql chromium chromium-driver qemu-user-static apache2-utils wrk iproute2 util-linux python3 python3-venv mosquitto openssl"
# For one of the SDKs and to fetch the accessibility checker. Node may come from elsewhere, and then brings npm along.
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm"

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
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
