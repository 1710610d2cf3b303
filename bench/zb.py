#!/usr/bin/env python3
"""zot's own benchmark `zb`, its whole list of workloads, against zot and Edgemart in one run: catalog, pushes in one piece and in
chunks, pulls and mixtures, of 1, 10 and 100 MB. Others are left out: zb forgets the query of an upload's address, where
docker-registry and olareg keep its state.

Only with BENCH_GO_PEERS=1, which builds zb and zot. Printed for each workload: requests a second, the 99th percentile, and the
rate beside zot's; in the end the processor time each server used for the whole list. A failed request ends the run.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import peers
from registry import INBOX, demo_folder, serve

CLIENTS = int(os.environ.get("BENCH_ZB_CLIENTS", "4"))
REQUESTS = int(os.environ.get("BENCH_ZB_REQUESTS", "40"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
# zb waits for ever for answers that a refused push never gives.
RUN_SECONDS_MAX = 900
UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}


def milliseconds(text):
    """Of a Go duration under an hour, like `1m2.5s` or `18.2ms`."""
    minutes, number, unit = re.fullmatch(r"(?:(\d+)m)?([\d.]+)(ns|µs|ms|s)", text).groups()
    return int(minutes or 0) * 60_000 + float(number) * UNITS[unit]


def workloads(told):
    """What zb printed: name to rate and 99th percentile."""
    found = {}
    for part in told.split("============")[1:]:
        read = lambda label: re.search(rf"^{label}:\s+(.+?)\s*$", part, re.MULTILINE).group(1)
        if read("Failed requests") != "0":
            raise SystemExit(f"zb had failures:\n{part}")
        found[read("Test name")] = float(read("Requests per second")), milliseconds(read("p99"))
    return found


def run(program, server, folder, arguments):
    """One run of the whole list: what zb says, and the processor seconds of the server."""
    before = server.cpu()
    work = os.path.join(folder, "zb")
    os.makedirs(work)
    command = [program, "-d", work, "-c", str(CLIENTS), "-n", str(REQUESTS), *arguments, server.base]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    if done.returncode != 0:
        raise SystemExit(f"zb against {server.name} failed:\n{done.stdout}\n{done.stderr}")
    return workloads(done.stdout), server.cpu() - before


def tell(servers, rounds):
    print(f"zb, {REQUESTS} requests by {CLIENTS} clients, medians of {ROUNDS} rounds\n")
    names = [server.name for server in servers]
    print(f"| workload | {' | '.join(f'{name}: a second, p99' for name in names)} | Edgemart beside zot |")
    print("|---|" + "---|" * (len(names) + 1))
    for workload in rounds["zot"][0][0]:
        middle = {
            name: [statistics.median(told[workload][which] for told, _ in rounds[name]) for which in (0, 1)] for name in names}
        cells = " | ".join(f"{middle[name][0]:,.1f}, {middle[name][1]:,.1f} ms" for name in names)
        print(f"| {workload} | {cells} | {middle['Edgemart'][0] / middle['zot'][0]:.2f}× |")
    used = " | ".join(f"{statistics.median(cpu for _, cpu in rounds[name]):.1f} s" for name in names)
    print(f"| server CPU for the whole list | {used} | |")


def main():
    program, zot = peers.go_program("zb"), peers.go_program("zot")
    folder = tempfile.mkdtemp(prefix="edgemart-zb-")
    servers = []
    try:
        with open(os.path.join(folder, "edgemart.log"), "w") as log:
            data, _, sign_in = demo_folder(folder, log)
            servers.append(serve(data, log))
            servers.append(peers.zot(folder, zot))
            arguments = {"Edgemart": ["-r", INBOX, "-A", sign_in]}
            rounds = {server.name: [] for server in servers}
            for _ in range(ROUNDS):
                for server in servers:
                    rounds[server.name].append(run(program, server, folder, arguments.get(server.name, ["-r", "bench/zb"])))
            tell(servers, rounds)
    finally:
        for server in servers:
            server.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    if os.environ.get("BENCH_GO_PEERS") != "1":
        raise SystemExit("zb is a Go program: BENCH_GO_PEERS=1 builds it and zot, a quarter of an hour once")
    sys.exit(main())
