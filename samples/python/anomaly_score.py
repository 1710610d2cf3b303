"""Anomaly score: says of every reading how unusual it is, measured by the readings before it.

A module on the official Azure IoT device SDK. It takes JSON messages from the input `readings`, looks at one number, and
sends value, mean, deviation and score to the output `scores`: the score is the distance from the mean in standard
deviations, and from `UNUSUAL` on a reading is called unusual.

Settings are environment variables, and desired properties of the twin while it runs: FIELD (Field), WINDOW_READINGS
(WindowReadings), UNUSUAL (Unusual). What is in force is reported; what was refused is reported under `refused`.
"""

import asyncio
import collections
import datetime
import json
import math
import os
import signal
import threading

from azure.iot.device import Message, MethodResponse
from azure.iot.device.aio import IoTHubModuleClient

# Readings before the first that can be called unusual.
READINGS_MIN = 5
WINDOW_READINGS_MAX = 10_000
FIELD_CHARS_MAX = 512
# Pauses before a first connection is tried again, in seconds; afterwards the SDK reconnects by itself.
PAUSES = [1, 2, 4, 8, 10]


def say(level, message):
    line = {"time": now(), "level": level, "module": "anomaly-score", "message": message}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def field(value):
    if not isinstance(value, str) or not 0 < len(value) <= FIELD_CHARS_MAX:
        raise ValueError(f"give a path of at most {FIELD_CHARS_MAX} characters")
    return value


def window_readings(value):
    number = int(value)
    if isinstance(value, bool) or number != float(value) or not READINGS_MIN <= number <= WINDOW_READINGS_MAX:
        raise ValueError(f"give a whole number from {READINGS_MIN} to {WINDOW_READINGS_MAX}")
    return number


def unusual(value):
    number = float(value)
    if isinstance(value, bool) or not 0 < number <= 1000:
        raise ValueError("give a number above 0, at most 1000")
    return number


# Property: variable, default, check.
SETTINGS = {
    "Field": ("FIELD", "machine.temperature", field),
    "WindowReadings": ("WINDOW_READINGS", "60", window_readings),
    "Unusual": ("UNUSUAL", "3", unusual),
}


class Scorer:
    """Readings of the window and the settings. The SDK calls handlers on threads of its own, hence the lock."""

    def __init__(self, environment):
        self.lock = threading.Lock()
        wrong = []
        self.defaults = {}
        for name, (variable, default, check) in SETTINGS.items():
            text = environment.get(variable) or default
            try:
                self.defaults[name] = check(text)
            except ValueError as problem:
                wrong.append(f"{variable} is {text!r}; {problem}")
        if wrong:
            raise SystemExit("; ".join(wrong))
        self.settings = dict(self.defaults)
        self.window = collections.deque(maxlen=self.settings["WindowReadings"])
        self.seen = 0

    def turn(self, desired):
        """Takes desired properties; gives what to report."""
        refused = []
        with self.lock:
            for name, value in desired.items():
                if name.startswith("$"):
                    continue
                try:
                    if name not in SETTINGS:
                        raise ValueError("this module has no such setting")
                    self.settings[name] = self.defaults[name] if value is None else SETTINGS[name][2](value)
                except (TypeError, ValueError) as problem:
                    refused.append(f"{name}: {problem}")
            if "Field" in desired:
                self.window.clear()
            self.window = collections.deque(self.window, maxlen=self.settings["WindowReadings"])
            report = dict(self.settings)
        report["refused"] = "; ".join(refused) or None
        return report

    def statistics(self):
        with self.lock:
            mean, deviation = self._figures()
            return {"seen": self.seen, "window": len(self.window), "mean": mean, "deviation": deviation}

    def forget(self):
        with self.lock:
            forgotten = len(self.window)
            self.window.clear()
        return {"forgotten": forgotten}

    def score(self, data):
        """One reading against those before it; ValueError when there is no number."""
        with self.lock:
            path, limit = self.settings["Field"], self.settings["Unusual"]
            value = number_at(json.loads(data), path)
            mean, deviation = self._figures()
            enough = len(self.window) >= READINGS_MIN and deviation
            score = abs(value - mean) / deviation if enough else 0.0
            self.window.append(value)
            self.seen += 1
        return {
            "time": now(), "field": path, "value": value, "mean": mean, "deviation": deviation,
            "score": round(score, 3), "unusual": score >= limit,
        }

    def _figures(self):
        if not self.window:
            return None, None
        mean = math.fsum(self.window) / len(self.window)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in self.window) / len(self.window))
        return round(mean, 6), round(deviation, 6)


def number_at(document, path):
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    if isinstance(document, bool) or not isinstance(document, (int, float)):
        raise ValueError(f"a message has no number at {path}")
    return document


def wire(client, scorer):
    """Tells the client what to do with what comes."""

    async def on_message(message):
        if message.input_name != "readings":
            say("warning", f"a message to the input {message.input_name!r}, which this module has not")
            return
        try:
            scored = scorer.score(message.data)
        except ValueError as problem:
            say("warning", f"input readings: {problem}")
            return
        body = Message(json.dumps(scored), content_encoding="utf-8", content_type="application/json")
        if scored["unusual"]:
            body.custom_properties["unusual"] = "true"
        await client.send_message_to_output(body, "scores")

    async def on_method(request):
        methods = {"statistics": scorer.statistics, "forget": scorer.forget}
        if request.name in methods:
            status, payload = 200, methods[request.name]()
        else:
            status, payload = 404, {"error": "no such method", "methods": sorted(methods)}
        await client.send_method_response(MethodResponse.create_from_method_request(request, status, payload))

    async def on_desired(patch):
        await client.patch_twin_reported_properties(scorer.turn(patch))

    client.on_message_received = on_message
    client.on_method_request_received = on_method
    client.on_twin_desired_properties_patch_received = on_desired


async def connect(client, stopping):
    """Connects, however long the hub is away; False when the module is to stop."""
    pauses = iter(PAUSES)
    while not stopping.is_set():
        try:
            await client.connect()
            return True
        except Exception as problem:  # the SDK wraps what it met in many ways
            say("warning", f"no hub: {problem!r}; trying again")
        try:
            await asyncio.wait_for(stopping.wait(), next(pauses, PAUSES[-1]))
        except asyncio.TimeoutError:
            pass
    return False


async def main():
    scorer = Scorer(os.environ)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if "IOTEDGE_WORKLOADURI" not in os.environ and "EdgeHubConnectionString" not in os.environ:
        raise SystemExit("no IoT Edge here: the variables IOTEDGE_* are not set. `edgemart try IMAGE` gives a module a device")
    client = IoTHubModuleClient.create_from_edge_environment(product_info=os.environ.get("PRODUCT_INFO", ""))
    say("info", f"started with {json.dumps(scorer.settings)}")
    if await connect(client, stopping):
        wire(client, scorer)
        twin = await client.get_twin()
        await client.patch_twin_reported_properties(scorer.turn(twin["desired"]))
        say("info", "connected")
        await stopping.wait()
    await client.shutdown()
    say("info", "stopped")


if __name__ == "__main__":
    asyncio.run(main())
