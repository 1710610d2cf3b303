"""Loads for the registry measurements: what they send, and what they read off: rate, tail, and the server's processor time,
which neighbours on the machine disturb least.
"""

import base64
import http.client
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
IDLE_SECONDS = 2
MEBIBYTE, GIBIBYTE = 2**20, 2**30
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Figures:
    """Of one load: how many a second, the 99th percentile in milliseconds, processor seconds for each."""

    def __init__(self, rate, p99_ms, cpu):
        self.rate, self.p99_ms, self.cpu = rate, p99_ms, cpu


def median(rounds):
    """Each figure's own median over the rounds."""
    middle = lambda field: statistics.median(getattr(one, field) for one in rounds)
    return Figures(middle("rate"), middle("p99_ms"), middle("cpu"))


def wrk(server, path, headers=(), connections=16, percentile="99%"):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    before = server.cpu()
    text = subprocess.run([*command, server.base + path], capture_output=True, text=True, check=True).stdout
    used = server.cpu() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{server.name}: {path} answered errors:\n{text}")
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    number, unit = re.search(rf"^\s+{percentile}\s+([\d.]+)(us|ms|s)", text, re.MULTILINE).groups()
    return Figures(rate, float(number) * UNITS[unit], used / max(requests, 1))


def in_turn(servers, measure):
    """All servers in every round, so that a busy minute of the machine meets each of them. Name to median figures."""
    rounds = {server.name: [] for server in servers}
    for _ in range(ROUNDS):
        for server in servers:
            rounds[server.name].append(measure(server))
    return {name: median(figures) for name, figures in rounds.items()}


def fetch(url, headers=None, method="GET", data=None):
    request = urllib.request.Request(url, headers=headers or {}, method=method, data=data)
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers


def token(server, login, repository):
    """A header that opens a repository of ours for pulling and pushing, for five minutes."""
    basic = "Basic " + base64.b64encode(login.encode()).decode()
    body, _ = fetch(f"{server.base}/token?scope=repository:{repository}:pull,push", {"Authorization": basic})
    return {"Authorization": "Bearer " + json.loads(body)["token"]}


def digest_of(path):
    told = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    return "sha256:" + told.split()[0]


def noise(path, size):
    with open(path, "wb") as out:
        for _ in range(size // MEBIBYTE):
            out.write(os.urandom(MEBIBYTE))
    return digest_of(path)


def upload(server, repository, path, digest, headers):
    """POST, then PUT of the whole file from another process."""
    _, answered = fetch(f"{server.base}/v2/{repository}/blobs/uploads/", headers, "POST", b"")
    location = urllib.parse.urljoin(server.base, answered["Location"])
    joint = "&" if "?" in location else "?"
    command = ["curl", "-fsS", "-o", "/dev/null", "-X", "PUT", "-T", path, "-H", "Expect:"]
    for name, value in {**headers, "Content-Type": "application/octet-stream"}.items():
        command += ["-H", f"{name}: {value}"]
    subprocess.run([*command, f"{location}{joint}digest={digest}"], check=True)


def push(server, repository, path, size, headers):
    """One fresh blob of `size` bytes: MiB a second, the time it took, processor seconds for it."""
    digest = noise(path, size)
    before, begun = server.cpu(), time.monotonic()
    upload(server, repository, path, digest, headers)
    took = time.monotonic() - begun
    return Figures(size / MEBIBYTE / took, took * 1000, server.cpu() - before)


def idle_kib(server, path, headers, count):
    """Resident memory that a connection costs which asked once and is kept."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(count, hard - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 100)), hard))
    host, port = server.base.removeprefix("http://").split(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n".encode()
    before, held = server.resident_kib(), []
    for _ in range(count):
        one = socket.create_connection((host, int(port)))
        one.sendall(request)
        answer = http.client.HTTPResponse(one)
        answer.begin()
        answer.read()
        held.append(one)
    # Idle is who is quiet for a moment: only then are buffers given back.
    time.sleep(IDLE_SECONDS)
    grown = server.resident_kib() - before
    for one in held:
        one.close()
    return grown / count


def paced(server, path, headers, rate, seconds):
    """The 99th percentile in milliseconds at a load that leaves the machine room for other work."""
    host = server.base.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    took, begun = [], time.perf_counter()
    for number in range(rate * seconds):
        wait = begun + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        before = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - before)
        if answer.status != 200:
            raise SystemExit(f"{server.name}: {path} answered {answer.status}")
    connection.close()
    return statistics.quantiles(took, n=100)[98] * 1000
