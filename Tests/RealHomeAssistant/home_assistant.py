"""A real Home Assistant, headless, on loopback; what it shows, and what it logs."""

import json
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from signal import SIGTERM
from typing import Any

import aiohttp
import jwt

from programs import Program, Trouble, free_port, until

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"

_LOG_ENTRY = re.compile(r"\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^]]+)\] ")


@dataclass
class Entity:
    """An entity as it is registered, and what it shows."""

    registered: dict[str, Any]
    state: str
    attributes: dict[str, Any]
    last_changed: datetime

    @property
    def id(self) -> str:
        return self.registered["entity_id"]


@dataclass
class LogEntry:
    level: str
    text: str

    def __str__(self) -> str:
        return self.text.strip()


class HomeAssistant:
    def __init__(self, directory: Path, broker_port: int) -> None:
        self.port = free_port()
        self._directory = directory
        self._config = directory / "config"
        self._output = directory / "home-assistant.output"
        self._logs: list[Path] = []
        self._program: Program | None = None
        self._token = _write_config(self._config, self.port, broker_port)

    # Life

    async def start(self) -> None:
        # One for each start: it throws away what is in the one before the last.
        self._logs.append(self._directory / f"home-assistant-{len(self._logs)}.log")
        self._program = await Program.start(
            "Home Assistant", sys.executable, str(Path(__file__).with_name("start_home_assistant.py")),
            "--config", str(self._config), "--log-file", str(self._logs[-1]), "--log-no-color", "--skip-pip",
            log=self._output,
        )
        await until("Home Assistant to run", self._is_ready, within=180)
        if sockets := await Program.reachable_from_outside():
            await self.end()
            raise Trouble(f"Home Assistant can be reached from outside, which the bench must not allow: {'; '.join(sockets)}")

    async def _is_ready(self) -> bool:
        assert self._program is not None
        if not self._program.is_running:
            end = self._output.read_text(errors="replace")[-500:]
            raise Trouble(f"Home Assistant ended as it started: {end}")
        try:
            return (await self.get("config"))["state"] == "RUNNING"
        except (aiohttp.ClientError, OSError):
            return False

    async def end(self) -> None:
        if self._program:
            await self._program.end(SIGTERM, within=60)
            self._program = None

    async def restart(self) -> None:
        await self.end()
        await self.start()

    # What it says

    async def get(self, path: str, **query: str) -> Any:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self._token}"}) as session,
            session.get(f"http://127.0.0.1:{self.port}/api/{path}", params=query) as answer,
        ):
            answer.raise_for_status()
            return await answer.json()

    async def ask(self, command: str, **arguments: Any) -> Any:
        """One command of its websocket."""
        async with aiohttp.ClientSession() as session, session.ws_connect(
            f"http://127.0.0.1:{self.port}/api/websocket", max_msg_size=0
        ) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            welcome = await socket.receive_json()
            if welcome["type"] != "auth_ok":
                raise Trouble(f"Home Assistant does not accept the token that the bench wrote into its files: {welcome}")
            await socket.send_json({"id": 1, "type": command} | arguments)
            answer = await socket.receive_json()
            if not answer["success"]:
                raise Trouble(f"Home Assistant refuses {command}: {answer['error']}")
            return answer["result"]

    async def registered(self, unique_prefix: str = "") -> dict[str, dict[str, Any]]:
        """Entries of MQTT's entities by what follows that prefix in their unique ids."""
        return {
            str(entry["unique_id"]).removeprefix(unique_prefix): entry
            for entry in await self.ask("config/entity_registry/list")
            if entry["platform"] == "mqtt" and str(entry["unique_id"]).startswith(unique_prefix)
        }

    async def entities(self, unique_prefix: str = "") -> dict[str, Entity]:
        """Those that show something, likewise."""
        registered = await self.registered(unique_prefix)
        states = {state["entity_id"]: state for state in await self.get("states")}
        return {
            key: Entity(entry, state["state"], state["attributes"], datetime.fromisoformat(state["last_changed"]))
            for key, entry in registered.items()
            if (state := states.get(entry["entity_id"]))
        }

    async def devices(self) -> dict[str, dict[str, Any]]:
        """Devices of MQTT by their identifier there."""
        return {
            identifier: device
            for device in await self.ask("config/device_registry/list")
            for domain, identifier in device["identifiers"]
            if domain == "mqtt"
        }

    async def history(self, entity_ids: Sequence[str], since: datetime) -> dict[str, list[dict[str, Any]]]:
        """What each has shown since, without what it showed before."""
        lists = await self.get(
            f"history/period/{since.isoformat()}", filter_entity_id=",".join(entity_ids), significant_changes_only="0",
            skip_initial_state="", no_attributes="",
        )
        return {states[0]["entity_id"]: states for states in lists if states}

    def complaints(self) -> list[LogEntry]:
        """Everything of its logs that is a warning or worse."""
        entries: list[LogEntry] = []
        for log in self._logs:
            for line in log.read_text(errors="replace").splitlines(keepends=True):
                if start := _LOG_ENTRY.match(line):
                    entries.append(LogEntry(start["level"], line))
                elif entries:
                    entries[-1].text += line
        return [entry for entry in entries if entry.level not in ("DEBUG", "INFO")]


def now() -> datetime:
    return datetime.now(timezone.utc)


def _write_config(directory: Path, port: int, broker_port: int) -> str:
    """The files of an installation that has been through its onboarding, in the form of 2024.3, which later versions migrate;
    the token of its owner."""
    storage = directory / ".storage"
    storage.mkdir(parents=True)
    (directory / "configuration.yaml").write_text(
        f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\n"
        "homeassistant:\n  time_zone: UTC\n  unit_system: metric\n"
        "api:\nhistory:\nenergy:\n"
        "recorder:\n  commit_interval: 1\n"
    )
    key, token_id, user = secrets.token_hex(64), secrets.token_hex(16), secrets.token_hex(16)
    _store(storage, "onboarding", 4, {"done": ["user", "core_config", "analytics", "integration"]})
    _store(storage, "auth", 1, {
        "users": [{
            "id": user, "group_ids": ["system-admin"], "is_owner": True, "is_active": True, "name": "bench",
            "system_generated": False, "local_only": False,
        }],
        "groups": [{"id": f"system-{name}", "name": name} for name in ("admin", "users", "read-only")],
        "credentials": [],
        "refresh_tokens": [{
            "id": token_id, "user_id": user, "client_id": None, "client_name": "bench", "client_icon": None,
            "token_type": "long_lived_access_token", "created_at": now().isoformat(), "access_token_expiration": 86400.0,
            "token": secrets.token_hex(64), "jwt_key": key, "last_used_at": None, "last_used_ip": None, "credential_id": None,
            "version": None,
        }],
    })
    _store(storage, "core.config_entries", 1, {"entries": [{
        "entry_id": secrets.token_hex(16), "version": 1, "minor_version": 1, "domain": "mqtt", "title": "broker", "source": "user",
        "data": {"broker": "127.0.0.1", "port": broker_port, "discovery": True}, "options": {}, "unique_id": None,
        "disabled_by": None, "pref_disable_new_entities": False, "pref_disable_polling": False,
    }]})
    issued = int(time.time())
    return jwt.encode({"iss": token_id, "iat": issued, "exp": issued + 86400}, key, algorithm="HS256")


def _store(storage: Path, key: str, version: int, data: dict[str, Any]) -> None:
    document = {"version": version, "minor_version": 1, "key": key, "data": data}
    (storage / key).write_text(json.dumps(document))
