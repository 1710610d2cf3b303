#!/usr/bin/env python3
"""Manifest GET, blob GET and blob push of Edgemart beside Debian's docker-registry, on the same bytes, in one run; and
beside nginx (sendfile, files on disk) as the yardstick of the machine, when nginx is installed.

Also: cold start on an existing data folder, idle memory, and the time from submit to live of the samples.
Loopback only; every load is bounded in time. Needs the binary built, skopeo, wrk and docker-registry.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

BINARY = os.environ.get("EDGEMART_BINARY", "target/debug/edgemart")
SECONDS = int(os.environ.get("BENCH_SECONDS", "6"))
IMAGE = "contoso/temperature-sensor/standard"
BLOB_BYTES = 100 * 1024 * 1024
PUSHES = 5
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Of a process and its children (nginx works in those)."""
    used = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(name) == pid or int(fields[1]) == pid:
            used += int(fields[11]) + int(fields[12])
    return used / TICK


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def start_edgemart(arguments, log):
    begun = time.monotonic()
    process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
    for line in process.stdout:
        if line.startswith("ready "):
            return process, line.split()[1], time.monotonic() - begun
    raise SystemExit("edgemart ended before it was ready")


def start_docker_registry(folder):
    config = os.path.join(folder, "registry.yml")
    with open(config, "w") as out:
        out.write(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
            "http: {addr: 127.0.0.1:5901}\n"
        )
    process = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        try:
            urllib.request.urlopen("http://127.0.0.1:5901/v2/").close()
            return process, "http://127.0.0.1:5901"
        except OSError:
            time.sleep(0.05)
    raise SystemExit("docker-registry did not start")


def start_nginx(folder):
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w") as out:
        out.write(
            f"worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log; daemon off;\n"
            "events {}\nhttp { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n"
            f"server {{ listen 127.0.0.1:5902; root {folder}/files; }} }}\n"
        )
    os.chmod(folder, 0o755)
    process = subprocess.Popen(["nginx", "-c", config], stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            urllib.request.urlopen("http://127.0.0.1:5902/manifest").close()
            return process, "http://127.0.0.1:5902"
        except OSError:
            time.sleep(0.05)
    raise SystemExit("nginx did not start")


def push(base, repository, folder, pid, headers):
    """Five fresh blobs, one after the other. Answers the rate, the slowest and the CPU of the server."""
    path = os.path.join(folder, "push")
    times, used = [], 0.0
    for _ in range(PUSHES):
        with open(path, "wb") as out:
            out.write(os.urandom(BLOB_BYTES))
        digest = "sha256:" + subprocess.run(
            ["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
        before, begun = cpu_seconds(pid), time.monotonic()
        upload(base, repository, path, digest, headers)
        times.append(time.monotonic() - begun)
        used += cpu_seconds(pid) - before
    return PUSHES / sum(times), f"{max(times) * 1000:.0f}ms", used / PUSHES


def load(url, pid, headers=(), connections=8):
    before = cpu_seconds(pid)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before
    if "Non-2xx" in text:
        raise SystemExit(f"{url} answered errors:\n{text}")
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    p99 = re.search(r"^\s+99%\s+(\S+)", text, re.MULTILINE)
    return rate, p99.group(1) if p99 else "–", used / max(requests, 1)


def fetch(url, headers=None):
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), dict(answer.headers)


def upload(base, repository, path, digest, headers):
    request = urllib.request.Request(
        f"{base}/v2/{repository}/blobs/uploads/", method="POST", headers=headers, data=b""
    )
    with urllib.request.urlopen(request) as answer:
        location = answer.headers["Location"]
    if location.startswith("/"):
        location = base + location
    joint = "&" if "?" in location else "?"
    command = ["curl", "-fsS", "-o", "/dev/null", "-X", "PUT", "-T", path]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-H", "Content-Type: application/octet-stream", f"{location}{joint}digest={digest}"]
    subprocess.run(command, check=True)


def token(url, login, repository):
    scope = f"repository:{repository}:pull,push"
    request = urllib.request.Request(f"{url}/token?scope={scope}")
    import base64

    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


def main():
    folder = tempfile.mkdtemp(prefix="edgemart-bench-")
    log_path = os.path.join(folder, "demo.log")
    data = os.path.join(folder, "data")
    with open(log_path, "w") as log:
        market, url, ready = start_edgemart(["demo", "--listen", "127.0.0.1:0", "--data", data], log)
    with open(log_path) as log:
        told = log.read()
    password = re.search(r"owner@contoso\.example\s+(\S+)", told).group(1)
    peer, peer_url = start_docker_registry(folder)
    try:
        host = url.removeprefix("http://")
        subprocess.run(
            ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{host}/{IMAGE}:latest", f"docker://127.0.0.1:5901/{IMAGE}:latest"], check=True)
        accept = "Accept: application/vnd.oci.image.index.v1+json"
        rows = []
        for name, base, pid in (("Edgemart", url, market.pid), ("docker-registry", peer_url, peer.pid)):
            rate, p99, cpu = load(f"{base}/v2/{IMAGE}/manifests/latest", pid, [accept])
            rows.append((f"manifest GET by tag, {name}", rate, p99, f"{cpu * 1e6:.0f} µs CPU a request"))
        path = os.path.join(folder, "blob")
        with open(path, "wb") as out:
            out.write(os.urandom(BLOB_BYTES))
        digest = "sha256:" + subprocess.run(
            ["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
        upload(peer_url, "bench/blob", path, digest, {})
        repository = "incoming/contoso/bench"
        bearer = {"Authorization": "Bearer " + token(url, f"owner@contoso.example:{password}", repository)}
        upload(url, repository, path, digest, bearer)
        for name, base, pid, where, headers in (
            ("Edgemart", url, market.pid, repository, [f"Authorization: {bearer['Authorization']}"]),
            ("docker-registry", peer_url, peer.pid, "bench/blob", []),
        ):
            rate, p99, cpu = load(f"{base}/v2/{where}/blobs/{digest}", pid, headers, connections=4)
            gib = BLOB_BYTES / 2**30
            rows.append((f"blob GET 100 MiB, {name}", rate * BLOB_BYTES / 2**20, p99, f"{cpu / gib:.2f} s CPU a GiB"))
        for name, base, pid, where, headers in (
            ("Edgemart", url, market.pid, repository, bearer),
            ("docker-registry", peer_url, peer.pid, "bench/push", {}),
        ):
            rate, slowest, cpu = push(base, where, folder, pid, headers)
            rows.append((f"blob push 100 MiB, {name}", rate * BLOB_BYTES / 2**20, slowest, f"{cpu / gib:.2f} s CPU a GiB"))
        ratio = (f"ratio to docker-registry: manifest {rows[0][1] / rows[1][1]:.1f}×, blob {rows[2][1] / rows[3][1]:.2f}×, "
                 f"push {rows[4][1] / rows[5][1]:.2f}×")
        if shutil.which("nginx"):
            os.mkdir(os.path.join(folder, "files"))
            os.rename(path, os.path.join(folder, "files", "blob"))
            with open(os.path.join(folder, "files", "manifest"), "wb") as out:
                out.write(fetch(f"{url}/v2/{IMAGE}/manifests/latest", {"Accept": accept.split(": ")[1]})[0])
            yardstick, nginx_url = start_nginx(folder)
            try:
                rate, p99, cpu = load(f"{nginx_url}/manifest", yardstick.pid)
                rows.append(("the same bytes as a manifest, nginx", rate, p99, f"{cpu * 1e6:.0f} µs CPU a request"))
                ratio += f"; to nginx: manifest {rows[0][1] / rate:.2f}×"
                rate, p99, cpu = load(f"{nginx_url}/blob", yardstick.pid, connections=4)
                rows.append(("blob GET 100 MiB, nginx", rate * BLOB_BYTES / 2**20, p99, f"{cpu / gib:.2f} s CPU a GiB"))
                ratio += f", blob {rows[2][1] / rows[-1][1]:.2f}×"
            finally:
                yardstick.terminate()
                yardstick.wait()
        print("| what | per second | p99 (push: slowest) | cost |\n|---|---|---|---|")
        for what, rate, p99, cost in rows:
            unit = " MiB" if "blob" in what else ""
            print(f"| {what} | {rate:,.0f}{unit} | {p99} | {cost} |")
        print(f"\n{ratio}")
        print(f"from an empty folder to the whole sample catalog live: {ready:.1f} s")
    finally:
        market.terminate()
        market.wait()
        peer.terminate()
        peer.wait()
    with open(log_path, "a") as log:
        served, url, cold = start_edgemart(
            ["serve", "--listen", "127.0.0.1:0", "--data", data], log)
    time.sleep(2)
    print(f"cold start on that folder: {cold * 1000:.0f} ms; idle memory: {resident_mib(served.pid):.0f} MiB")
    served.terminate()
    served.wait()


if __name__ == "__main__":
    sys.exit(main())
