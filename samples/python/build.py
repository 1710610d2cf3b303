#!/usr/bin/env python3
"""Builds the Python sample for linux/amd64, linux/arm64 and linux/arm/v7 from Debian packages and pinned wheels.

    python3 samples/python/build.py           writes target/samples/python (or $EDGEMART_SAMPLES_DIR/python)

What comes out is an OCI image layout and the files of the offer beside it; `edgemart demo` publishes both when it
finds them. Debian's Python and its libraries are unpacked for each platform, not installed; wheels are pure Python,
the same for all. Owners, times and order are fixed: the same packages and wheels give the same bytes. It does nothing
when the result is newer than its sources.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
OUT = pathlib.Path(os.environ.get("EDGEMART_SAMPLES_DIR") or HERE.parents[1] / "target/samples") / "python"
WORK = OUT / "work"
VERSION = "1.0.0"
REPOSITORY = "fabrikam/anomaly-score"
PRODUCT = "fabrikam.anomaly-score.standard"
CREATED = "2026-01-01T00:00:00Z"
FILE_TIME = 1_767_225_600
USER = 1000
# Debian's architecture, and the platform of the image.
PLATFORMS = {
    "amd64": {"os": "linux", "architecture": "amd64"},
    "arm64": {"os": "linux", "architecture": "arm64"},
    "armhf": {"os": "linux", "architecture": "arm", "variant": "v7"},
}
PYTHON = "python3.11"
# Python and what its standard library is linked to, as far as the module uses it.
PACKAGES = [
    f"{PYTHON}-minimal", f"lib{PYTHON}-minimal", f"lib{PYTHON}-stdlib", "libc6", "libgcc-s1", "zlib1g", "libexpat1", "libssl3",
    "libffi8", "libbz2-1.0", "liblzma5", "libuuid1", "libcrypt1",
]
# Published without a wheel; pure Python all the same.
SOURCE_ONLY = ["paho-mqtt"]
# Parts of paths that a module never needs.
LEFT_OUT = [
    "/usr/share/man/", "/usr/share/lintian/", "/usr/share/locale/", "/usr/share/doc-base/", "/usr/share/binfmts/", "/gconv/",
    "/audit/", "/__pycache__/", "/test/", "/tests/", "/idlelib/", "/lib2to3/", "/ensurepip/", "/tkinter/", "/turtledemo/", "/pydoc_data/",
    "/config-3.", "/etc/",
]


def say(text):
    print(f"samples/python: {text}", file=sys.stderr)


def run(*command, cwd=None, must=True):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode and must:
        sys.exit(f"samples/python: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def up_to_date():
    index = OUT / "index.json"
    sources = [path for path in HERE.rglob("*") if path.is_file()]
    return index.is_file() and all(path.stat().st_mtime < index.stat().st_mtime for path in sources)


def apt(command, *words, cwd=None, must=True):
    """apt with lists and architectures of its own, so that nothing of the machine's setting changes."""
    options = ["APT::Architecture=amd64", f"Dir::State::lists={WORK}/lists", f"Dir::Cache={WORK}/cache",
               "APT::Sandbox::User=", "Acquire::Languages=none"]
    options += [f"APT::Architectures::={architecture}" for architecture in PLATFORMS]
    return run(command, *(word for option in options for word in ("-o", option)), *words, cwd=cwd, must=must)


def fetch():
    """Packages and wheels, as files."""
    for folder in ["lists/partial", "cache/archives/partial", "debs", "wheels"]:
        (WORK / folder).mkdir(parents=True, exist_ok=True)
    say(f"asking Debian for {PYTHON} for {', '.join(PLATFORMS)}")
    # One index that fails (a mirror in the middle of a sync) is no harm as long as the packages are found below.
    apt("apt-get", "update", "-qq", must=False)
    wanted = [f"{package}:{architecture}" for architecture in PLATFORMS for package in PACKAGES]
    apt("apt-get", "download", "-qq", *wanted, cwd=WORK / "debs")
    run("/usr/bin/python3", "-m", "venv", WORK / "venv")
    pip = WORK / "venv/bin/pip"
    pins = [line for line in (HERE / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    sources = [pin for pin in pins if pin.split("==")[0] in SOURCE_ONLY]
    run(pip, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none",
        "--python-version=3.11", "--dest", WORK / "wheels", *(pin for pin in pins if pin not in sources))
    run(pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", WORK / "wheels", *sources)


def debian_layer(architecture):
    root = WORK / "root" / architecture
    for package in sorted((WORK / "debs").glob(f"*_{architecture}.deb")):
        run("dpkg-deb", "-x", package, root)
    names = [run("dpkg-deb", "-f", package, "Package", "Version") for package in sorted((WORK / "debs").glob(f"*_{architecture}.deb"))]
    files = {}
    for path in sorted(root.rglob("*")):
        inside = "/" + str(path.relative_to(root))
        wanted = path.is_symlink() or path.is_file()
        text = inside.startswith("/usr/share/doc/") and path.name != "copyright"
        if wanted and not text and not any(part in inside for part in LEFT_OUT):
            files[inside[1:]] = path
    files["licenses/debian-packages.txt"] = "".join(names).encode()
    files["etc/passwd"] = b"root:x:0:0:root:/:/sbin/nologin\nmodule:x:1000:1000:module:/:/sbin/nologin\n"
    files["etc/group"] = b"root:x:0:\nmodule:x:1000:\n"
    return files


def module_layer():
    root = WORK / "root" / "wheels"
    for wheel in sorted((WORK / "wheels").glob("*.whl")):
        if not wheel.name.endswith("-none-any.whl"):
            sys.exit(f"samples/python: {wheel.name} is not pure Python, so it does not fit every platform")
        run("/usr/bin/python3", "-m", "zipfile", "-e", wheel, root)
    place = "usr/lib/python3/dist-packages"
    files = {f"{place}/{path.relative_to(root)}": path for path in sorted(root.rglob("*")) if path.is_file()}
    files["app/anomaly_score.py"] = HERE / "anomaly_score.py"
    return files


def pack(files):
    """A layer: gzip of a tar with fixed owners, times and order; its bytes, and the digest before compression."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = sorted({str(parent) for name in files for parent in pathlib.PurePosixPath(name).parents} - {"."})
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, FILE_TIME
            archive.addfile(entry)
        for name, source in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mtime, entry.mode = FILE_TIME, 0o644
            if isinstance(source, pathlib.Path) and source.is_symlink():
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(source), 0o777
                archive.addfile(entry)
                continue
            content = source if isinstance(source, bytes) else source.read_bytes()
            if isinstance(source, pathlib.Path) and source.stat().st_mode & 0o100:
                entry.mode = 0o755
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0), digest(plain.getvalue())


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def put(content):
    path = OUT / "blobs" / digest(content).replace(":", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": digest(content), "size": len(content)}


def described(kind, content):
    return {"mediaType": f"application/vnd.oci.image.{kind}"} | put(content)


def config(platform, diff_ids):
    labels = {
        "created": CREATED, "title": "Anomaly score", "description": "Says of every reading how unusual it is.",
        "licenses": "MIT OR Apache-2.0", "vendor": "Edgemart samples", "version": VERSION,
    }
    return platform | {
        "created": CREATED,
        "config": {
            "User": str(USER),
            "Env": ["PATH=/usr/bin", f"MODULE_VERSION={VERSION}", f"PRODUCT_INFO={PRODUCT}"],
            "Entrypoint": [f"/usr/bin/{PYTHON}", "-B", "/app/anomaly_score.py"],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": {f"org.opencontainers.image.{name}": value for name, value in labels.items()},
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": CREATED, "created_by": f"edgemart sample anomaly-score, {what}"}
                    for what in ("Debian's Python", "the module and its packages")],
    }


def text(document):
    return json.dumps(document, indent=2).encode()


def layout():
    module = pack(module_layer())
    tags, manifests = [], []
    for architecture, platform in PLATFORMS.items():
        layers = [pack(debian_layer(architecture)), module]
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("config.v1+json", text(config(platform, [diff_id for _, diff_id in layers]))),
            "layers": [described("layer.v1.tar+gzip", packed) for packed, _ in layers],
        }
        entry = described("manifest.v1+json", text(manifest))
        manifests.append(entry | {"platform": platform})
        tags.append((f"{VERSION}-{'-'.join(platform.values())}", entry))
        sizes = " + ".join(f"{len(packed) / 1e6:.1f}" for packed, _ in layers)
        say(f"{'/'.join(platform.values())}: layers of {sizes} MB")
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
        "annotations": {"org.opencontainers.image.created": CREATED, "org.opencontainers.image.version": VERSION},
    }
    whole = described("index.v1+json", text(index))
    tags = [("latest", whole), (VERSION.rsplit(".", 1)[0], whole), (VERSION, whole)] + tags
    named = [entry | {"annotations": {"org.opencontainers.image.ref.name": tag}} for tag, entry in tags]
    (OUT / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (OUT / "repository").write_text(REPOSITORY)
    # The last file: with it, the rest is whole.
    (OUT / "index.json").write_bytes(text({"schemaVersion": 2, "manifests": named}))


def main():
    if up_to_date():
        say(f"up to date in {OUT}")
        return
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    fetch()
    shutil.copytree(HERE / "offer", OUT / "offer")
    layout()
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
