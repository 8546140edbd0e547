"""A real mosquitto on loopback, and what it holds."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any

from programs import Program, Trouble, free_port, listens, until


class Broker:
    """It keeps nothing on disk: after a restart it has forgotten every retained message."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.retained: dict[str, str] = {}
        """By topic, what it was last sent; kept up by a client of its own."""
        self.said: Counter[str] = Counter()
        """By topic, how often something was said."""
        self._directory = directory
        self._server: Program | None = None
        self._client: Program | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n")
        self._server = await Program.start(
            "mosquitto", "/usr/sbin/mosquitto", "-c", str(configuration), log=self._directory / "mosquitto.log"
        )
        await until("mosquitto to listen", lambda: listens(self.port), within=10)
        self.retained.clear()
        self._client = await Program.start(
            "mosquitto_sub", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-t", "#", "-F", "%j",
            log=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read(self._client))

    async def _read(self, client: Program) -> None:
        assert client.process.stdout is not None
        async for line in client.process.stdout:
            message = json.loads(line)
            topic, payload = message["topic"], message.get("payload", "")
            self.said[topic] += 1
            if payload:
                self.retained[topic] = payload
            else:
                self.retained.pop(topic, None)

    async def end(self, by: Signals = SIGTERM) -> None:
        for program in (self._client, self._server):
            if program:
                await program.end(by)
        if self._reading:
            await self._reading
        self._client = self._server = self._reading = None

    def document(self, topic: str) -> dict[str, Any]:
        """An empty one where there is none."""
        return json.loads(self.retained.get(topic, "{}"))

    async def publish(self, topic: str, payload: str) -> None:
        """Retained; by another program."""
        what = ["-m", payload] if payload else ["-n"]
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-r", "-t", topic, *what
        )
        if await process.wait() != 0:
            raise Trouble(f"mosquitto_pub cannot publish at {topic}; its words are above")
