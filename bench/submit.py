#!/usr/bin/env python3
"""Time from `edgemart offer submit` to preview for a sample, each run on a marketplace that has never seen its image.

The command as a publisher types it: sign-in kept, draft sent, logos sent, submission watched to its end. The upstream is
Debian's docker-registry on loopback. Printed: p50 and worst of the runs, and where the time goes, step by step as the
marketplace recorded it. Needs the binary built, skopeo and docker-registry.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import peers

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
SAMPLE = "temperature-sensor"
PUBLISHER = "contoso"
OWNER, OPERATOR = "owner@contoso.example", "operator@market.example"
PASSWORD = "only for this run 1"


def upstream(folder):
    """docker-registry with the sample's image in it, copied out of a demo."""
    registry = peers.docker_registry(folder)
    to = registry.base.removeprefix("http://")
    with open(os.path.join(folder, "demo.log"), "w") as log:
        demo = peers.edgemart(["demo", "--listen", "127.0.0.1:0", "--engine", "none"], log)
    try:
        host = demo.base.removeprefix("http://")
        listed = subprocess.run(
            ["skopeo", "list-tags", "--tls-verify=false", f"docker://{host}/{PUBLISHER}/{SAMPLE}/standard"],
            capture_output=True, text=True, check=True).stdout
        for tag in json.loads(listed)["Tags"]:
            subprocess.run(
                ["skopeo", "--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
                 f"docker://{host}/{PUBLISHER}/{SAMPLE}/standard:{tag}",
                 f"docker://{to}/{PUBLISHER}/{SAMPLE}:{tag}"], check=True)
    finally:
        demo.stop()
    return registry


class Market:
    """A server on a folder, and its people's way in."""

    def __init__(self, folder, data, upstream, log):
        self.config = os.path.join(folder, "edgemart.toml")
        with open(self.config, "w") as out:
            out.write(f'[egress]\nallow = ["{upstream}"]\ninsecure = ["{upstream}"]\n')
        self.data = data
        self.server = peers.edgemart(
            ["serve", "--listen", "127.0.0.1:0", "--data", data, "--config", self.config], log)
        self.url = self.server.base

    def form(self, path, fields, cookie=None):
        request = urllib.request.Request(
            self.url + path, data=urllib.parse.urlencode(fields).encode(), method="POST")
        if cookie:
            request.add_header("Cookie", cookie)
        opener = urllib.request.build_opener(NoRedirect)
        try:
            answer = opener.open(request)
        except urllib.error.HTTPError as error:
            answer = error
        if answer.status != 303:
            raise SystemExit(f"{path} answered {answer.status}: {answer.read().decode()[:2000]}")
        return (answer.headers.get("Set-Cookie") or "").split(";")[0]

    def page(self, path, cookie):
        request = urllib.request.Request(self.url + path, headers={"Cookie": cookie})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def verb(self, home, *arguments, stdin=""):
        environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "EDGEMART_URL": self.url}
        done = subprocess.run(
            [peers.BINARY, *arguments], input=stdin, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise SystemExit(f"edgemart {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def people(market, folder):
    """An operator by the set-up link, an owner, and an approved publisher."""
    link = subprocess.run(
        [peers.BINARY, "admin", "set-up", "--data", market.data, "--config", market.config],
        capture_output=True, text=True, check=True).stdout.strip()
    market.form("/set-up", {
        "set_up_code": link.split("#")[1], "email": OPERATOR, "name": "Operator", "password": PASSWORD})
    cookie = market.form("/account/sign-up", {"email": OWNER, "name": "Owner", "password": PASSWORD})
    page = market.page("/publish", cookie)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    market.form("/publish", {
        **hidden, "id": PUBLISHER, "title": "Contoso", "summary": "Sensors.", "website": "https://contoso.example",
        "contact_email": OWNER, "terms_accepted": "on"}, cookie)
    boss = os.path.join(folder, "boss")
    market.verb(boss, "login", "--email", OPERATOR, "--password-stdin", "--scope", "read", "--scope", "admin",
                stdin=PASSWORD + "\n")
    market.verb(boss, "admin", "publisher", "approve", PUBLISHER, "--verified")


def offer(folder, upstream):
    """The sample as code, its image where the upstream has it."""
    target = os.path.join(folder, "offer")
    shutil.copytree(f"samples/offers/{SAMPLE}", target)
    path = os.path.join(target, "offer.yaml")
    with open(path) as file:
        text = re.sub(r"registry: \S+", f"registry: {upstream}", file.read())
    with open(path, "w") as file:
        file.write(text)
    return target


def run(folder, template, source, number, upstream, log):
    data = os.path.join(folder, f"data-{number}")
    shutil.copytree(template, data)
    market = Market(folder, data, upstream, log)
    home = os.path.join(folder, f"home-{number}")
    try:
        market.verb(home, "login", "--email", OWNER, "--password-stdin", "--scope", "read", "--scope", "publish",
                    stdin=PASSWORD + "\n")
        begun = time.monotonic()
        market.verb(home, "offer", "submit", source)
        took = time.monotonic() - begun
        told = json.loads(market.verb(home, "offer", "status", f"{PUBLISHER}.{SAMPLE}", "-o", "json"))
    finally:
        market.server.stop()
        shutil.rmtree(data)
    submission = told.get("submission") or told
    if submission["state"] != "preview":
        raise SystemExit(f"the sample came to {submission['state']}, not to preview")
    steps = {step["step"]: step["milliseconds"] for step in submission["steps"] if step["ended_at"]}
    return took * 1000, steps


def main():
    folder = tempfile.mkdtemp(prefix="edgemart-bench-submit-")
    registry = upstream(folder)
    at = registry.base.removeprefix("http://")
    try:
        with open(os.path.join(folder, "serve.log"), "w") as log:
            template = os.path.join(folder, "template")
            market = Market(folder, template, at, log)
            try:
                people(market, folder)
            finally:
                market.server.stop()
            source = offer(folder, at)
            runs = [run(folder, template, source, number, at, log) for number in range(RUNS)]
    finally:
        registry.stop()
    print(f"`offer submit` to preview, {SAMPLE}, {RUNS} runs, each with its image unknown to the marketplace:\n")
    print("| part | p50 | worst |\n|---|---|---|")
    whole = [took for took, _ in runs]
    print(f"| the command, start to end | {statistics.median(whole):,.0f} ms | {max(whole):,.0f} ms |")
    names = list(dict.fromkeys(name for _, steps in runs for name in steps))
    for name in names:
        took = [steps.get(name, 0) for _, steps in runs]
        print(f"| step: {name} | {statistics.median(took):,.0f} ms | {max(took):,.0f} ms |")
    rest = [took - sum(steps.values()) for took, steps in runs]
    print(f"| before, between and after: draft, logos, polling | {statistics.median(rest):,.0f} ms | {max(rest):,.0f} ms |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
