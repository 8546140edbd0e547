"""What one scenario has for itself: a broker, a Home Assistant, simulated devices, a gateway; and where its findings go."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from broker import Broker
from fleet import BIN, Device, Gateway, Simulation
from home_assistant import HomeAssistant, now
from programs import Late, Program, disagreement, until

# What an installation that is as small as this one says of itself, and of a machine that is busy. Everything else is a finding.
_OF_THE_BENCH = (
    "[homeassistant.bootstrap] Skipping pip installation of required modules",
    "[homeassistant.bootstrap] Support for the running Python version",
    "[homeassistant.setup] Setup failed for 'backup'",
    "[homeassistant.setup] Setup failed for 'camera'",
    "[aiohttp_fast_zlib] zlib_ng and isal are not available",
    "[homeassistant.helpers.entity] Updating state for",
    "[homeassistant.util.executor] Thread",
)

# Where a Home Assistant says that it is there.
BIRTH = "homeassistant/status"
# Of what is wrong with one thing.
MOST_TOLD = 12


class Stage:
    def __init__(self, version: str, scenario: str) -> None:
        self.version = version
        self.failures = 0
        self.expected_complaints: Sequence[str] = ()
        """Words of what Home Assistant has to complain of in this scenario."""
        self._title = f"{version} {scenario}"
        # Short: sockets are in there, and their paths may have 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="blupow-ha-", dir="/tmp"))
        self.broker = Broker(self._directory)
        self.home = HomeAssistant(self._directory, self.broker.port)
        self.simulation = Simulation(self._directory)
        self.gateway = Gateway(self._directory, self.broker, self.simulation)
        self._demo: Program | None = None

    @property
    def is_old(self) -> bool:
        """Before device-based discovery (2024.11), and options of sensors."""
        return tuple(int(part) for part in self.version.split(".")) < (2024, 11)

    # Findings

    def check(self, what: str, wrong: Iterable[str]) -> None:
        """One line; well where nothing is wrong."""
        found = list(wrong)
        self.failures += bool(found)
        if found:
            more = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
            print(f"FAILED {self._title}: {what}: {'; '.join(found[:MOST_TOLD] + more)}", flush=True)
        else:
            print(f"ok     {self._title}: {what}", flush=True)

    async def agrees(self, what: str, look: Callable[[], Awaitable[list[str]]], within: float = 45) -> None:
        """As soon as nothing is wrong any more; what is still wrong after that time is the finding."""
        self.check(what, await disagreement(what, look, within))

    async def check_complaints(self) -> None:
        """In its log, and what it asks its user to repair."""
        expected = (*_OF_THE_BENCH, *self.expected_complaints)
        wrong = [str(entry) for entry in self.home.complaints() if not any(words in entry.text for words in expected)]
        for issue in (await self.home.ask("repairs/list_issues"))["issues"]:
            # Others are of this installation: its version, its Python.
            if issue["domain"] in ("mqtt", "sensor", "binary_sensor", "recorder", "energy"):
                wrong.append(json.dumps(issue))
        self.check(f"Home Assistant complains of nothing{' but what is expected' if self.expected_complaints else ''}", wrong)

    # Acts

    async def begin(self, devices: Sequence[Device], discovery: str = "component") -> None:
        """Everything runs, with these devices configured."""
        await self.broker.start()
        await self.home.start()
        await self.simulation.start(devices)
        await self.gateway.start(devices, discovery)

    async def begin_demo(self) -> None:
        await self.broker.start()
        await self.home.start()
        self._demo = await Program.start(
            "blupow demo", str(BIN / "blupow"), "demo", "--mqtt", f"127.0.0.1:{self.broker.port}",
            log=self._directory / "blupow.log",
        )

    async def end_demo(self) -> None:
        if self._demo:
            await self._demo.end()
            self._demo = None

    async def start_home(self) -> None:
        """Home Assistant again, and until it has taken in all that stands at the broker."""
        said = self.broker.said.copy()
        await self.home.start()
        await self.broker_hears(BIRTH, since=said, within=60)
        if self.gateway.is_running:
            await self.broker_hears(f"blupow/{Gateway.NAME}/availability", since=said)
        await self.all_is_recorded()

    async def restart_home(self) -> None:
        await self.home.end()
        await self.start_home()

    async def broker_hears(
        self, topic: str, times: int = 1, since: Counter[str] | None = None, within: float = 30
    ) -> None:
        """Until something was said there so often, from now on or since then."""
        wanted = (self.broker.said if since is None else since)[topic] + times

        async def is_said() -> bool:
            return self.broker.said[topic] >= wanted

        await until(f"{times} messages at {topic}", is_said, within)

    async def all_is_recorded(self) -> None:
        """Home Assistant takes in and records one thing after the other: what was there before an entity of our own, it has
        recorded before that."""
        since = now()
        await self.broker.publish("bench/marker", "seen")
        await self.broker.publish(
            "homeassistant/sensor/bench/marker/config",
            '{"unique_id":"bench_marker","name":"Marker","state_topic":"bench/marker"}',
        )

        async def is_recorded() -> bool:
            history = await self.home.history(["sensor.marker"], since)
            return any(state["state"] == "seen" for state in history.get("sensor.marker", []))

        await until("Home Assistant to record an entity of the bench's own", is_recorded)
        await self.broker.publish("homeassistant/sensor/bench/marker/config", "")

        async def is_gone() -> bool:
            return not await self.home.registered("bench_marker")

        await until("Home Assistant to forget it", is_gone)
        await self.broker.publish("bench/marker", "")

    async def end(self) -> None:
        """Everything, whatever became of the scenario."""
        for end in (self.end_demo, self.gateway.end, self.simulation.end, self.home.end, self.broker.end):
            try:
                await end()
            except Late as late:
                self.check("everything ends", [str(late)])
        shutil.rmtree(self._directory)
