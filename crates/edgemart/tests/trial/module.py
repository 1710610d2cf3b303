"""An edge module of the standard library alone, with one fault on request: MODE names it, `good` has none.

It asks the workload API for bundle and signature, speaks MQTT 3.1.1 over TLS, sends a message a second to output `out`,
takes input `in`, answers method `ping`, and reports what it is told to desire.
"""

import base64
import functools
import http.client
import json
import os
import select
import signal
import socket
import ssl
import struct
import sys
import time
import urllib.parse

MODE = os.environ.get("MODE", "good")
DEVICE = os.environ["IOTEDGE_DEVICEID"]
MODULE = os.environ["IOTEDGE_MODULEID"]
HUB = os.environ["IOTEDGE_IOTHUBHOSTNAME"]
GATEWAY = os.environ["IOTEDGE_GATEWAYHOSTNAME"]
PRODUCT = "" if MODE == "no-product" else os.environ.get("PRODUCT", "contoso.sensor.standard")
WAIT_SECONDS = 1.0

stopping = False


def on_term(*_):
    global stopping
    if MODE == "vanishes":
        os._exit(0)
    stopping = MODE != "ignores-sigterm"


class Workload(http.client.HTTPConnection):
    def connect(self):
        path = os.environ["IOTEDGE_WORKLOADURI"].removeprefix("unix://")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)


def workload(method, path, body=None):
    connection = Workload("workload")
    text = json.dumps(body) if body is not None else None
    connection.request(method, path + "?api-version=2020-07-07", text)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def token():
    module = "another" if MODE == "wrong-audience" else MODULE
    audience = urllib.parse.quote(f"{HUB}/devices/{DEVICE}/modules/{module}", safe="")
    seconds = int(os.environ.get("TOKEN_SECONDS", "3600"))
    expires = int(time.time()) + (-60 if MODE == "expired" else seconds)
    data = base64.b64encode(f"{audience}\n{expires}".encode()).decode()
    generation = os.environ["IOTEDGE_MODULEGENERATIONID"]
    signed = workload("POST", f"/modules/{MODULE}/genid/{generation}/sign", {"keyId": "primary", "algo": "HMACSHA256", "data": data})
    digest = signed["digest"]
    if MODE == "bad-hmac":
        digest = base64.b64encode(b"x" * 32).decode()
    return f"SharedAccessSignature sr={audience}&sig={urllib.parse.quote(digest, safe='')}&se={expires}"


@functools.cache
def kept_token():
    return token()


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(kind, body):
    length, size = b"", len(body)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


class Hub:
    """One connection."""

    def __init__(self, bundle):
        context = ssl.create_default_context(cadata=bundle)
        password = kept_token() if MODE == "keeps-token" else token()
        port = 5671 if MODE == "amqp-only" else 8883
        name = "elsewhere" if MODE == "wrong-name" else GATEWAY
        plain = socket.create_connection((GATEWAY, port), timeout=10)
        self.socket = context.wrap_socket(plain, server_hostname=name)
        self.buffer, self.number = b"", 0
        if MODE == "amqp-only":
            self.socket.sendall(b"AMQP\x03\x01\x00\x00")
            self.socket.recv(8)
            raise OSError("AMQP is not answered")
        client = urllib.parse.quote(f"fixture/1.0 {PRODUCT}", safe="")
        user = f"{HUB}/{DEVICE}/{MODULE}/?api-version=2019-10-01&DeviceClientType={client}"
        flags = b"\xc0" + struct.pack(">H", 60)
        self.send(0x10, text("MQTT") + b"\x04" + flags + text(f"{DEVICE}/{MODULE}") + text(user) + text(password))
        if self.read()[1][1] != 0:
            raise OSError("refused")
        topics = ["$iothub/twin/res/#", "$iothub/methods/POST/#"]
        if MODE not in ("deaf-to-desired", "no-twin"):
            topics.append("$iothub/twin/PATCH/properties/desired/#")
        if MODE != "ignores-inputs":
            topics.append(f"devices/{DEVICE}/modules/{MODULE}/inputs/#")
        self.send(0x82, self.next() + b"".join(text(topic) + b"\x01" for topic in topics))
        if MODE != "no-twin":
            self.publish("$iothub/twin/GET/?$rid=1", b"")

    def next(self):
        self.number = self.number % 60000 + 1
        return struct.pack(">H", self.number)

    def send(self, kind, body):
        self.socket.sendall(packet(kind, body))

    def publish(self, topic, body):
        self.send(0x32, text(topic) + self.next() + body)

    def whole(self):
        """The first whole packet of the buffer, or None."""
        size, at = 0, 1
        while at < len(self.buffer):
            byte = self.buffer[at]
            size |= (byte & 0x7F) << (7 * (at - 1))
            at += 1
            if byte < 0x80:
                break
        else:
            return None
        if len(self.buffer) < at + size:
            return None
        found = self.buffer[0], self.buffer[at : at + size]
        self.buffer = self.buffer[at + size :]
        return found

    def read(self):
        while True:
            found = self.whole()
            if found:
                return found
            data = self.socket.recv(65536)
            if not data:
                raise OSError("closed")
            self.buffer += data

    def handle(self, kind, body):
        if kind >> 4 != 3:
            return
        length = struct.unpack(">H", body[:2])[0]
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        if kind & 6:
            identifier, rest = rest[:2], rest[2:]
            self.send(0x40, identifier)
        if topic.startswith("$iothub/twin/PATCH/properties/desired/") and MODE != "ignores-desired":
            wanted = {key: value for key, value in json.loads(rest).items() if not key.startswith("$")}
            self.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", json.dumps(wanted).encode())
        elif topic.startswith("$iothub/methods/POST/"):
            name, rid = topic.split("/")[3], topic.split("$rid=")[1]
            if MODE == "late-methods":
                return
            if MODE == "dies-of-methods":
                os._exit(5)
            known = name == "ping" or MODE == "knows-all"
            self.publish(f"$iothub/methods/res/{200 if known else 404}/?$rid={rid}", b"{}")

    def work(self):
        began, sent = time.monotonic(), 0.0
        while not stopping:
            pause = 0.01 if MODE == "floods" else 0.2
            if self.socket.pending() or select.select([self.socket], [], [], pause)[0]:
                self.handle(*self.read())
                # What came along with it would not be announced again.
                while found := self.whole():
                    self.handle(*found)
            after(time.monotonic() - began)
            if MODE == "silent":
                continue
            if time.monotonic() - sent > (0.02 if MODE == "floods" else 1.0):
                sent = time.monotonic()
                output = "other" if MODE == "other-output" else "out"
                body = b"{21" if MODE == "bad-json" else json.dumps({"temperature": 21.5}).encode()
                self.publish(f"devices/{DEVICE}/modules/{MODULE}/messages/events/%24.on={output}/", body)
        self.send(0xE0, b"")
        self.socket.close()


hoard = []


def after(seconds):
    """Faults that show once the module works."""
    if MODE == "crashes-later" and seconds > 2:
        sys.exit(3)
    if MODE == "eats-memory" and seconds > 2:
        hoard.append(bytearray(os.urandom(1 << 20)) * 4)


def before():
    """Faults that show before the module works."""
    if MODE == "crashes-at-once":
        sys.exit(3)
    if MODE == "second-start":
        try:
            if os.path.exists("/began"):
                sys.exit(4)
            open("/began", "w").close()
        except OSError:
            pass
    if MODE == "needs-chown":
        open("/data/owned", "w").close()
        os.chown("/data/owned", 1, 1)
    if MODE == "needs-device":
        open("/dev/ttyUSB0").close()
    if MODE == "writes-tmp":
        # Docker, and so a device, keeps it from being written when the root is; so does the image, which has none.
        os.makedirs("/tmp", exist_ok=True)
        open("/tmp/written", "w").close()
    if MODE == "writes-root":
        open("/written", "w").close()
    if MODE == "asks-names":
        try:
            socket.getaddrinfo("stats.contoso.example", 443)
        except OSError:
            pass
    if MODE == "phones-home":
        try:
            socket.create_connection(("198.51.100.7", 443), timeout=1)
        except OSError:
            pass
    if MODE == "busy":
        # Several, so that their share shows on a machine with other work too.
        for _ in range(8):
            if os.fork() == 0:
                while True:
                    pass
    while MODE == "generic" and not stopping:
        time.sleep(0.2)


def main():
    signal.signal(signal.SIGTERM, on_term)
    before()
    connected = False
    while not stopping:
        try:
            bundle = workload("GET", "/trust-bundle")["certificate"]
            if MODE == "bundle-only":
                time.sleep(1)
                continue
            if MODE == "signs-only":
                token()
                time.sleep(1)
                continue
            hub = Hub(bundle)
            connected = True
            hub.work()
        except OSError as problem:
            print(f"{MODE}: {problem}", flush=True)
            if connected and MODE == "dies-of-outage":
                sys.exit(6)
            time.sleep(WAIT_SECONDS)


main()
