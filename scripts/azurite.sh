#!/bin/sh
# Lays Azurite, the Azure Blob server of the storage tests, into target/azurite: the versions and digests that stand in
# scripts/azurite/package-lock.json. For tests only: nothing of it is in the binary. Does nothing when it is there.
set -eu

cd "$(dirname "$0")/.."
into=target/azurite
if cmp -s scripts/azurite/package-lock.json "$into/done"; then
    exit 0
fi
mkdir -p "$into"
cp scripts/azurite/package.json scripts/azurite/package-lock.json "$into"
# No package needs its install script for this.
npm ci --prefix "$into" --omit=dev --ignore-scripts --no-audit --no-fund --silent
cp scripts/azurite/package-lock.json "$into/done"
