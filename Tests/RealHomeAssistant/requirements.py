"""Prints what pip has to install for the installed Home Assistant to run the integrations of this bench, one requirement a line.

Home Assistant installs an integration's requirements when it first runs it. Here all are there before the start, so that it can be
told to install nothing (--skip-pip).
"""

import importlib.metadata
import importlib.util
import json
from pathlib import Path

INTEGRATIONS = ["api", "http", "mqtt", "recorder", "history", "energy", "frontend"]


def components() -> Path:
    spec = importlib.util.find_spec("homeassistant")
    assert spec is not None and spec.origin is not None, "Home Assistant is installed before this is asked"
    return Path(spec.origin).parent / "components"


def with_dependencies(names: list[str]) -> dict[str, dict[str, list[str]]]:
    """Their manifests, and those of all that they need."""
    manifests: dict[str, dict[str, list[str]]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in manifests:
            manifests[name] = json.loads((components() / name / "manifest.json").read_text())
            waiting += manifests[name].get("dependencies", [])
    return manifests


def main() -> None:
    wanted = set(importlib.metadata.requires("homeassistant") or [])
    for manifest in with_dependencies(INTEGRATIONS).values():
        wanted.update(manifest.get("requirements", []))
    print("\n".join(sorted(wanted)))


if __name__ == "__main__":
    main()
