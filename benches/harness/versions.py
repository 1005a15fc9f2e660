"""Where and with what a part was measured."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

from harness.parts import BENCHES, VENV_PYTHON, Part
from harness.process import ROOT, answer

# Beside whom each part runs, as their package registries call them.
PEERS = {
    "rust": ["tokio", "apalis-core", "divan", "rusqlite"],
    "python": ["huey", "taskiq", "flexiq", "dbos"],
    "node": ["fastq", "p-queue", "piscina", "tinypool", "plainjob", "better-sqlite3"],
}
_DISTRIBUTIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try: found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: pass
print(json.dumps(found))
"""


def machine() -> dict[str, str | int]:
    """The machine, as far as it explains a figure."""
    return {"cores": os.cpu_count() or 1, "processor": _processor(), "system": platform.platform(terse=True)}


def of(part: Part) -> dict[str, str]:
    """The versions that matter for a part: ours, the languages', the peers'."""
    versions = {"bursar": _bursar()}
    for need in part.needs:
        versions |= {"rust": _rust, "python": _python, "node": _node}[need]()
    return versions


def _rust() -> dict[str, str]:
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r'^name = "(.+)"\nversion = "(.+)"$', lock, re.MULTILINE))
    return {"rustc": answer(["rustc", "--version"]).removeprefix("rustc "), **_pick(locked, "rust")}


def _python() -> dict[str, str]:
    version = answer([str(VENV_PYTHON), "-c", "import platform; print(platform.python_version())"])
    found = answer([str(VENV_PYTHON), "-c", _DISTRIBUTIONS, *PEERS["python"]])
    return {"python": version, **(json.loads(found) if found else {})}


def _node() -> dict[str, str]:
    manifests = (BENCHES / "node" / "node_modules" / name / "package.json" for name in PEERS["node"])
    found = {
        path.parent.name: json.loads(path.read_text("utf-8"))["version"]
        for path in manifests
        if path.is_file()
    }
    return {"node": answer(["node", "--version"]).removeprefix("v"), **found}


def _pick(versions: dict[str, str], language: str) -> dict[str, str]:
    return {name: versions[name] for name in PEERS[language] if name in versions}


def _bursar() -> str:
    """The commit, since between releases the version says little."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text("utf-8"), re.MULTILINE)
    commit = answer(["git", "rev-parse", "--short", "HEAD"])
    changed = (
        "+changes" if commit and answer(["git", "status", "--porcelain", "--untracked-files=no"]) else ""
    )
    return " ".join(filter(None, [version[1] if version else "", commit + changed]))


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text("utf-8") if info.exists() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1] if named else platform.machine()
