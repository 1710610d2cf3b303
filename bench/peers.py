"""The servers that measurements start: ours, Debian's docker-registry and nginx, and Go registries when asked for. All on
loopback and on free ports. Knows nothing of what is measured.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.request

BINARY = os.path.abspath(os.environ.get("EDGEMART_BINARY", "target/release/edgemart"))
TICK = os.sysconf("SC_CLK_TCK")
START_SECONDS_MAX = 20
# zot by its address at GitHub: that of its own host is not behind every module proxy. v1.4.3 is the last one fetched so.
ZOT = ("zotregistry.io/zot", "v1.4.3", "github.com/project-zot/zot")
# zot's image library otherwise wants gpg's own, in C.
GO_TAGS = "containers_image_openpgp"
# What BENCH_GO_PEERS=1 builds: name, module, version, where the module comes from, and package.
GO_PROGRAMS = {
    "distribution": ("github.com/distribution/distribution/v3", "v3.1.1", None, "cmd/registry"),
    "olareg": ("github.com/olareg/olareg", "v0.2.2", None, "cmd/olareg"),
    "zot": (*ZOT, "cmd/zot"),
    "zb": (*ZOT, "cmd/zb"),
}


def children(pid):
    """The process and those it started (nginx works in those)."""
    found = [pid]
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(name))
    return found


def cpu_seconds(pids):
    used = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICK


def resident_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return total


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server that answers, until it is stopped."""

    def __init__(self, name, process, base, ready_seconds=0.0):
        self.name, self.process, self.base, self.ready_seconds = name, process, base, ready_seconds
        self.pids = children(process.pid)

    def cpu(self):
        return cpu_seconds(self.pids)

    def resident_kib(self):
        return resident_kib(self.pids)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def edgemart(arguments, log, name="Edgemart"):
    """Starts our binary and waits until it says that it is ready."""
    begun = time.monotonic()
    process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
    for line in process.stdout:
        if line.startswith("ready "):
            return Server(name, process, line.split()[1], time.monotonic() - begun)
    raise SystemExit(f"edgemart {arguments[0]} ended before it was ready")


def started(name, command, base, path="/v2/"):
    """Starts somebody else's server and waits until it answers."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while time.monotonic() - begun < START_SECONDS_MAX:
        try:
            urllib.request.urlopen(base + path).close()
            return Server(name, process, base, time.monotonic() - begun)
        except OSError:
            time.sleep(0.02)
    process.kill()
    raise SystemExit(f"{name} did not start")


def written(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as out:
        out.write(text)
    return path


def docker_registry(folder, command="docker-registry", name="docker-registry"):
    """Debian's 2.8.2, or the same program in its third version, which reads the same file."""
    port = free_port()
    config = written(
        folder, f"{name}.yml",
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/{name}}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n")
    return started(name, [command, "serve", config], f"http://127.0.0.1:{port}")


def nginx(folder):
    """Files of `folder`/files by sendfile, as many workers as processors."""
    port = free_port()
    config = written(
        folder, "nginx.conf",
        f"worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log; daemon off;\n"
        "events {}\nhttp { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/files; }} }}\n")
    os.chmod(folder, 0o755)
    return started("nginx", ["nginx", "-c", config], f"http://127.0.0.1:{port}", "/manifest")


def olareg(folder, command):
    port = free_port()
    return started(
        "olareg",
        [command, "serve", "--dir", f"{folder}/olareg", "--addr", "127.0.0.1", "--port", str(port)],
        f"http://127.0.0.1:{port}")


def zot(folder, command):
    port = free_port()
    config = written(
        folder, "zot.json",
        f'{{"storage": {{"rootDirectory": "{folder}/zot"}}, "log": {{"level": "error"}},'
        f' "http": {{"address": "127.0.0.1", "port": "{port}"}}}}')
    return started("zot", [command, "serve", config], f"http://127.0.0.1:{port}")


def go_program(name):
    """Builds a program of GO_PROGRAMS once, in a module of its own that requires just this version: `go install` would also
    ask for lists of versions. Answers its path."""
    path = os.path.abspath(f"target/bench-peers/{name}")
    if os.path.exists(path):
        return path
    if not shutil.which("go"):
        raise SystemExit("BENCH_GO_PEERS=1 needs Go 1.24 or newer; there is none. Install it or unset the variable")
    module, version, source, package = GO_PROGRAMS[name]
    instead = f"\nreplace {module} => {source} {version}\n" if source else ""
    scratch = path + ".module"
    os.makedirs(scratch, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    written(scratch, "go.mod", f"module bench\n\ngo 1.24\n\nrequire {module} {version}\n{instead}")
    # Listed first: that writes down the checksums of all that the build asks for.
    for command in (["list", "-deps"], ["build", "-trimpath", "-o", path]):
        done = subprocess.run(
            ["go", *command, "-tags", GO_TAGS, f"{module}/{package}"], cwd=scratch, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"could not build {name}:\n{done.stderr}")
    shutil.rmtree(scratch)
    return path


def go_peers(folder):
    """Builds and starts the Go registries; they take minutes to build, so only when BENCH_GO_PEERS=1 says so."""
    if os.environ.get("BENCH_GO_PEERS") != "1":
        return []
    return [
        docker_registry(folder, go_program("distribution"), "distribution"),
        olareg(folder, go_program("olareg")),
        zot(folder, go_program("zot")),
    ]
