#!/usr/bin/env python3
"""QoS 1 messages over TLS: the edge environment beside Debian's mosquitto, in one run, by the same client.

Run by `make bench`, or by hand after `cargo build -p edge --examples`. Needs mosquitto and openssl from Debian. Each
server takes the messages of one client with a window of 100; the resident memory is read when they have been taken.
"""

import base64
import hashlib
import hmac
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "target/debug/examples"
COUNT = int(os.environ.get("EDGE_BENCH_MESSAGES", "100000"))
ROUNDS = 3
# The environment and mosquitto each on a loopback address of their own.
EDGE, MOSQUITTO = "127.0.0.1", "127.9.2.2"


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no VmRSS of {pid}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(host, port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on {host}:{port}")


def load(host, ca, name, client, username, password, topic):
    arguments = [host, "8883", ca, name, client, username, password, topic, str(COUNT)]
    return float(subprocess.check_output([EXAMPLES / "load", *arguments], text=True))


def measure(what, server, *arguments):
    rates, began = [], cpu_seconds(server.pid)
    for _ in range(ROUNDS):
        rates.append(load(*arguments))
    cpu = (cpu_seconds(server.pid) - began) / (ROUNDS * COUNT) * 1e6
    rate, memory = sorted(rates)[ROUNDS // 2], resident_mib(server.pid)
    print(f"{what:<12} {rate:>9,.0f} messages/s   {cpu:>6.1f} µs CPU a message   {memory:>6.1f} MiB resident", flush=True)
    return rate


def of_environment(folder):
    out = open(folder / "events", "w+")
    server = subprocess.Popen([EXAMPLES / "environment", folder, "m", "quiet"], stdout=out)
    try:
        wait_for(EDGE, 8883)
        text = (folder / "events").read_text()
        fields = dict(part.split("=", 1) for part in text.split('EdgeHubConnectionString="')[1].split('"')[0].split(";"))
        audience = f"{fields['HostName']}/devices/{fields['DeviceId']}/modules/{fields['ModuleId']}"
        audience, expiry = urllib.parse.quote(audience, safe=""), int(time.time()) + 3600
        key = base64.b64decode(fields["SharedAccessKey"])
        digest = hmac.new(key, f"{audience}\n{expiry}".encode(), hashlib.sha256).digest()
        signature = urllib.parse.quote(base64.b64encode(digest), safe="")
        token = f"SharedAccessSignature sr={audience}&sig={signature}&se={expiry}"
        identity = f"{fields['DeviceId']}/{fields['ModuleId']}"
        topic = f"devices/{fields['DeviceId']}/modules/{fields['ModuleId']}/messages/events/%24.on=out"
        user = f"{fields['HostName']}/{identity}/?api-version=2021-04-12"
        return measure("environment", server, EDGE, folder / "ca.pem", "localhost", identity, user, token, topic)
    finally:
        server.terminate()
        server.wait()


def of_mosquitto(folder):
    quiet = dict(check=True, stderr=subprocess.DEVNULL)
    ca, key, cert = folder / "ca.pem", folder / "key.pem", folder / "cert.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, "-keyout", folder / "ca.key", "-out", ca, "-days", "2", "-subj", "/CN=bench"], **quiet)
    subprocess.run(["openssl", "req", *curve, "-keyout", key, "-out", folder / "csr", "-subj", "/CN=localhost"], **quiet)
    (folder / "san").write_text("subjectAltName=DNS:localhost\n")
    sign = ["openssl", "x509", "-req", "-in", folder / "csr", "-CA", ca, "-CAkey", folder / "ca.key", "-days", "2"]
    subprocess.run([*sign, "-extfile", folder / "san", "-out", cert], **quiet)
    key.chmod(0o644)
    folder.chmod(0o755)
    (folder / "conf").write_text(
        f"listener 8883 {MOSQUITTO}\ncafile {ca}\ncertfile {cert}\nkeyfile {key}\nallow_anonymous true\n"
        "max_inflight_messages 200\nlog_type error\n"
    )
    server = subprocess.Popen(["mosquitto", "-c", folder / "conf"])
    try:
        wait_for(MOSQUITTO, 8883)
        return measure("mosquitto", server, MOSQUITTO, ca, "localhost", "bench", "", "", "devices/d/modules/m/messages/events/a=b")
    finally:
        server.terminate()
        server.wait()


def main():
    if not (EXAMPLES / "load").exists():
        sys.exit("first: cargo build -p edge --examples")
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        ratio = of_environment(pathlib.Path(ours)) / of_mosquitto(pathlib.Path(theirs))
    print(f"ratio        {ratio:>9.2f}")


main()
