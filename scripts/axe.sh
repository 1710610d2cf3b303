#!/bin/sh
# Lays axe-core, the accessibility checker of the browser tests, into target/axe, at one version and checked by digest.
# For tests only: nothing of it is in the repository or in the binary. Does nothing when it is there.
set -eu

version=4.14.1
digest=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

cd "$(dirname "$0")/.."
into=target/axe
if [ -f "$into/axe.min.js" ] && [ "$(cat "$into/digest" 2>/dev/null)" = "$digest" ]; then
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && npm pack --silent "axe-core@$version" >/dev/null)
archive="$scratch/axe-core-$version.tgz"
echo "$digest  $archive" | sha256sum --check --quiet || {
    echo "axe-core $version is not the one whose digest stands in scripts/axe.sh" >&2
    exit 1
}
mkdir -p "$into"
tar -xzf "$archive" -C "$into" --strip-components=1 package/axe.min.js package/LICENSE
echo "$digest" >"$into/digest"
