#!/usr/bin/env python3
"""How long the standard run of a healthy sample takes: `edgemart offer lint --run`, as a publisher types it, on Podman with
storage of its own. The pauses are part of it: the module settles, and the hub goes away and comes back.

Needs root (a container network must have an address on this machine), the binary built, and what scripts/packages.sh installs.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import peers

RUNS = int(os.environ.get("BENCH_TRIALS", "3"))
PUBLISHER, SAMPLE = "contoso", "temperature-sensor"
START_SECONDS_MAX = 30
SETTINGS = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


def archive(folder):
    """The sample's image for this machine, out of a demo."""
    path = os.path.join(folder, "image.tar")
    with open(os.path.join(folder, "demo.log"), "w") as log:
        demo = peers.edgemart(["demo", "--listen", "127.0.0.1:0", "--engine", "none"], log)
    try:
        source = f"docker://{demo.base.removeprefix('http://')}/{PUBLISHER}/{SAMPLE}/standard:latest"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", source, f"oci-archive:{path}"], check=True)
    finally:
        demo.stop()
    return path


class Podman:
    """Podman's service, with nothing of this machine's containers in it."""

    def __init__(self, folder, log):
        place = lambda name: os.path.join(folder, name)
        self.storage = place("root/overlay")
        self.address = place("podman.sock")
        environment = {**os.environ, "CONTAINERS_CONF": peers.written(folder, "containers.conf", SETTINGS)}
        self.process = subprocess.Popen(
            ["podman", "--root", place("root"), "--runroot", place("run"), "--tmpdir", place("tmp"), "--network-config-dir",
             place("networks"), "system", "service", "--time=0", f"unix://{self.address}"], env=environment, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            if time.monotonic() > end:
                raise SystemExit("podman does not listen")
            time.sleep(0.05)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.address) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["umount", self.storage], check=True)


def main():
    folder = tempfile.mkdtemp(prefix="edgemart-bench-trial-")
    image = archive(folder)
    log = open(os.path.join(folder, "podman.log"), "w")
    podman = Podman(folder, log)
    took = []
    try:
        for _ in range(RUNS):
            begun = time.monotonic()
            done = subprocess.run(
                [peers.BINARY, "offer", "lint", f"samples/offers/{SAMPLE}", "--run", "--image", image,
                 "--engine", f"unix://{podman.address}"], capture_output=True, text=True)
            took.append(time.monotonic() - begun)
            if done.returncode != 0:
                raise SystemExit(f"the sample did not pass:\n{done.stdout}\n{done.stderr}")
    finally:
        podman.stop()
        log.close()
    print(f"standard run of {SAMPLE} on Podman, {RUNS} times: p50 {statistics.median(took):.1f} s, worst {max(took):.1f} s")
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
