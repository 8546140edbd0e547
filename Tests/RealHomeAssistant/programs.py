"""Programs that the bench runs, and waiting for them with a bound."""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import ClassVar, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


class Trouble(Exception):
    """The bench cannot be brought up here; the sentence is for the person who must act."""


class Late(Exception):
    """Something that was expected has not come within its time."""


class Program:
    """A child process that ends with the bench, however that ends."""

    _running: ClassVar[set["Program"]] = set()

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self._running.add(self)

    @classmethod
    async def start(
        cls, name: str, *command: str, log: Path | int, environment: dict[str, str] | None = None, talks: bool = False
    ) -> "Program":
        """log: where its output goes; PIPE for one that is read. talks: it is written to."""
        output = log if isinstance(log, int) else open(log, "ab")
        try:
            process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", *command,
                stdin=asyncio.subprocess.PIPE if talks else asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.DEVNULL if isinstance(log, int) else output,
                env=os.environ | (environment or {}),
                limit=1 << 20,
            )
        except FileNotFoundError as error:
            raise Trouble(f"{error.filename} is missing; install util-linux") from error
        finally:
            if not isinstance(output, int):
                output.close()
        return cls(name, process)

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None

    def send(self, number: Signals) -> None:
        if self.is_running:
            self.process.send_signal(number)

    async def end(self, by: Signals = SIGTERM, within: float = 30) -> None:
        self.send(by)
        self._running.discard(self)
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            self.send(SIGKILL)
            await self.process.wait()
            raise Late(f"{self.name} to end within {within:.0f} s of {by.name}") from None


    @classmethod
    async def reachable_from_outside(cls) -> list[str]:
        """Sockets of programs that run, as ss has them, whose own address is not loopback."""
        process = await asyncio.create_subprocess_exec(
            "ss", "--no-header", "--all", "--numeric", "--processes", "--tcp", "--udp", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise Trouble("ss, which shows whether the bench can be reached from outside, does not answer; install iproute2")
        found = []
        for line in output.decode().splitlines():
            own_address = line.split()[4].rsplit(":", 1)[0].split("%")[0]
            is_ours = any(f"pid={program.process.pid}," in line for program in cls._running)
            if is_ours and not own_address.startswith("127.") and own_address not in ("[::1]", "[::ffff:127.0.0.1]"):
                found.append(" ".join(line.split()))
        return found


async def until(what: str, look: Callable[[], Awaitable[T | None]], within: float = 30, every: float = 0.2) -> T:
    """The first true answer. It asks once more after the end of its time: a machine that stood still is no reason."""
    end = time.monotonic() + within
    while True:
        is_last = time.monotonic() > end
        answer = await look()
        if answer:
            return answer
        if is_last:
            raise Late(f"{what} within {within:.0f} s")
        await asyncio.sleep(every)


async def disagreement(what: str, look: Callable[[], Awaitable[list[str]]], within: float) -> list[str]:
    """Nothing as soon as nothing is wrong any more, else what is still wrong after that time."""
    wrong: list[str] = []

    async def is_well() -> bool:
        wrong[:] = await look()
        return not wrong

    try:
        await until(what, is_well, within)
    except Late:
        wrong.append(f"still after {within:.0f} s")
    return wrong


def free_port() -> int:
    """One that nobody has just now. Another may take it before it is used; then starting fails, loudly."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
