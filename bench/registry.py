#!/usr/bin/env python3
"""The registry beside others on the same bytes, in one run: nginx (sendfile, files on disk) as the yardstick of the machine,
Debian's docker-registry, and Go registries with BENCH_GO_PEERS=1.

Everything is measured on `serve`, on a folder with 10,000 repositories and a repository of 10,000 tags. Loopback only; every
load ends by itself. Needs the binary built, and what scripts/packages.sh and bench/packages.sh install.
"""

import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import load
import peers
from load import GIBIBYTE, MEBIBYTE, ROUNDS, SECONDS

IMAGE = "contoso/temperature-sensor/standard"
INBOX = "incoming/contoso/bench"
ACCEPT = "application/vnd.oci.image.index.v1+json"
BLOB_BYTES = 100 * MEBIBYTE
REPOSITORIES = 10_000
TAGS = 10_000
IDLE_CONNECTIONS = 2_000
PACED_RATE = 400


def demo_folder(folder, log):
    """The sample catalog, published through the pipeline. Answers data folder, time to it, and a member's sign-in."""
    data = os.path.join(folder, "data")
    market = peers.edgemart(["demo", "--listen", "127.0.0.1:0", "--engine", "none", "--data", data], log)
    market.stop()
    with open(log.name) as told:
        password = re.search(r"owner@contoso\.example\s+(\S+)", told.read()).group(1)
    return data, market.ready_seconds, f"owner@contoso.example:{password}"


def grow(data, target):
    """A copy of the folder in which the image stands in 10,000 repositories more and has 10,000 tags more."""
    shutil.copytree(data, target)
    database = sqlite3.connect(os.path.join(target, "edgemart.db"))
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    many = numbers.format(REPOSITORIES)
    name = "printf('bench/module-%05d/standard', n.i)"
    for statement in (
        f"INSERT INTO repositories SELECT {name}, public, created_at FROM repositories, n WHERE name = ?",
        f"INSERT INTO repository_manifests SELECT {name}, digest, public, linked_at FROM repository_manifests, n WHERE repository = ?",
        f"INSERT INTO repository_blobs SELECT {name}, digest, size, public, linked_at FROM repository_blobs, n WHERE repository = ?",
        f"INSERT INTO repository_tags SELECT {name}, tag, digest, updated_at FROM repository_tags, n WHERE repository = ? AND tag = 'latest'",
    ):
        database.execute(f"{many} {statement}", (IMAGE,))
    database.execute(
        f"{numbers.format(TAGS)} INSERT INTO repository_tags SELECT repository, printf('t%05d', n.i), digest, updated_at"
        " FROM repository_tags, n WHERE repository = ? AND tag = 'latest'", (IMAGE,))
    database.commit()
    database.close()


def serve(data, log):
    return peers.edgemart(["serve", "--listen", "127.0.0.1:0", "--data", data], log)


def cold_start(data, log):
    """Median time from exec to the ready line."""
    times = []
    for _ in range(5):
        server = serve(data, log)
        times.append(server.ready_seconds * 1000)
        server.stop()
    return statistics.median(times)


def fill_tags(folder, server):
    """The same tags in docker-registry, written as it writes them: a file each."""
    root = os.path.join(folder, server.name, "docker/registry/v2/repositories", IMAGE, "_manifests/tags")
    for number in range(1, TAGS + 1):
        tag = os.path.join(root, f"t{number:05d}")
        shutil.copytree(os.path.join(root, "latest"), tag)


def fill(folder, market, others, yardstick_files, sign_in):
    """The image and the blob in every server, the same bytes as files for nginx."""
    host = market.base.removeprefix("http://")
    path = os.path.join(yardstick_files, "blob")
    digest = load.noise(path, BLOB_BYTES)
    load.upload(market, INBOX, path, digest, load.token(market, sign_in, INBOX))
    for other in others:
        to = other.base.removeprefix("http://")
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{host}/{IMAGE}:latest", f"docker://{to}/{IMAGE}:latest"], check=True)
        load.upload(other, "bench/blob", path, digest, {})
    with open(os.path.join(yardstick_files, "manifest"), "wb") as out:
        out.write(load.fetch(f"{market.base}/v2/{IMAGE}/manifests/latest", {"Accept": ACCEPT})[0])
    return digest


def table(what, figures, unit, cost):
    """Rows of one measurement; the ratio is to nginx where it took part, else to docker-registry."""
    yardstick = figures.get("nginx") or figures.get("docker-registry")
    for name, one in figures.items():
        ratio = f"{one.rate / yardstick.rate:.2f}"
        print(f"| {what} | {name} | {one.rate:,.0f} {unit} | {one.p99_ms:,.2f} ms | {cost(one.cpu)} | {ratio} |")


def manifests_and_blobs(market, others, nginx, digest, sign_in):
    servers = [nginx, market, *others]
    print("\n| what | server | a second | p99 (push: whole) | server CPU | rate beside nginx (push, tags: docker-registry) |")
    print("|---|---|---|---|---|---|")

    def manifest(server):
        path = "/manifest" if server is nginx else f"/v2/{IMAGE}/manifests/latest"
        return load.wrk(server, path, [f"Accept: {ACCEPT}"])

    table("manifest GET by tag, 16 connections", load.in_turn(servers, manifest), "", lambda cpu: f"{cpu * 1e6:,.1f} µs each")

    def blob(server):
        headers, path = [], f"/v2/bench/blob/blobs/{digest}"
        if server is nginx:
            path = "/blob"
        if server is market:
            path = f"/v2/{INBOX}/blobs/{digest}"
            headers = [f"Authorization: {load.token(market, sign_in, INBOX)['Authorization']}"]
        one = load.wrk(server, path, headers, connections=4)
        return load.Figures(one.rate * BLOB_BYTES / MEBIBYTE, one.p99_ms, one.cpu * GIBIBYTE / BLOB_BYTES)

    table("blob GET of 100 MiB, 4 connections", load.in_turn(servers, blob), "MiB", lambda cpu: f"{cpu:.3f} s a GiB")


def pushes(market, others, folder, sign_in):
    path = os.path.join(folder, "push")

    def one(server):
        ours = server is market
        headers = load.token(market, sign_in, INBOX) if ours else {}
        pushed = load.push(server, INBOX if ours else "bench/push", path, BLOB_BYTES, headers)
        return load.Figures(pushed.rate, pushed.p99_ms, pushed.cpu * GIBIBYTE / BLOB_BYTES)

    table("blob push of 100 MiB", load.in_turn([market, *others], one), "MiB", lambda cpu: f"{cpu:.2f} s a GiB")


def tag_pages(market, peer):
    """One connection, so that a page's time is its own."""

    def page(server):
        return load.wrk(server, f"/v2/{IMAGE}/tags/list?n=100&last=t05000", connections=1, percentile="50%")

    figures = load.in_turn([market, peer], page)
    table("page of 100 from 10,000 tags, 1 connection (median time instead of p99)", figures, "", lambda cpu: f"{cpu * 1e6:,.0f} µs each")


def gc_effect(market, data, log):
    """p99 at a load that leaves room, alone and while garbage is collected over and over."""
    quiet, busy, runs = [], [], 0
    path, headers = f"/v2/{IMAGE}/manifests/latest", {"Accept": ACCEPT}
    over = threading.Event()

    def collect():
        nonlocal runs
        while not over.is_set():
            subprocess.run(
                [peers.BINARY, "admin", "gc", "--grace-hours", "1", "--data", data], check=True, stdout=log, stderr=log)
            runs += 1

    for _ in range(ROUNDS):
        quiet.append(load.paced(market, path, headers, PACED_RATE, SECONDS))
        over.clear()
        collector = threading.Thread(target=collect)
        collector.start()
        busy.append(load.paced(market, path, headers, PACED_RATE, SECONDS))
        over.set()
        collector.join()
    before, during = statistics.median(quiet), statistics.median(busy)
    print(f"- p99 of a manifest at {PACED_RATE} a second: {before:.2f} ms; while garbage is collected ({runs} runs): "
          f"{during:.2f} ms ({(during / before - 1) * 100:+.0f} %)")


def main():
    folder = tempfile.mkdtemp(prefix="edgemart-bench-")
    running = []
    try:
        with open(os.path.join(folder, "edgemart.log"), "w") as log:
            data, live, sign_in = demo_folder(folder, log)
            print(f"- from an empty folder to the whole sample catalog live: {live:.1f} s")
            few = cold_start(data, log)
            large = os.path.join(folder, "large")
            grow(data, large)
            many = cold_start(large, log)
            print(f"- cold start with the samples' repositories: {few:.0f} ms; with {REPOSITORIES:,} more: {many:.0f} ms")
            market = serve(large, log)
            running.append(market)
            time.sleep(2)
            print(f"- idle memory: {market.resident_kib() / 1024:.0f} MiB; the binary: {os.path.getsize(peers.BINARY) / 1e6:.0f} MB")
            manifest = f"/v2/{IMAGE}/manifests/latest"
            load.wrk(market, manifest, [f"Accept: {ACCEPT}"])
            kib = load.idle_kib(market, manifest, {"Accept": ACCEPT}, IDLE_CONNECTIONS)
            print(f"- an idle connection: {kib:.1f} KiB ({IDLE_CONNECTIONS:,} held)")
            gc_effect(market, large, log)
            files = os.path.join(folder, "files")
            os.mkdir(files)
            debian = peers.docker_registry(folder)
            running.append(debian)
            others = [debian, *peers.go_peers(folder)]
            running.extend(others[1:])
            digest = fill(folder, market, others, files, sign_in)
            nginx = peers.nginx(folder)
            running.append(nginx)
            manifests_and_blobs(market, others, nginx, digest, sign_in)
            pushes(market, others, folder, sign_in)
            fill_tags(folder, debian)
            tag_pages(market, debian)
            print(f"\n{ROUNDS} rounds, the servers in turn in each; medians. Under load: {market.resident_kib() / 1024:.0f} MiB resident.")
    finally:
        for server in running:
            server.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
