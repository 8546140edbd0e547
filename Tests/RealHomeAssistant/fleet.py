"""Simulated devices on a private bus, and the blupow that reads and publishes them."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGHUP, SIGKILL, SIGTERM, Signals
from typing import Any

from broker import Broker
from programs import Program, Trouble, until

BIN = Path(os.environ["BLUPOW_BIN"])

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={directory}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
"""


@dataclass(frozen=True)
class Device:
    """A device as it is configured, and what is simulated in its place."""

    name: str
    address: str
    profile: str
    registers: str
    unit: int | None = None
    advertised: str = "BT-TH-66F94E1C"
    is_marked_simulated: bool = False

    @property
    def level(self) -> str:
        """Its level in topics."""
        return re.sub("[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def id(self) -> str:
        """What it is known by for ever."""
        unit = "" if self.unit is None else f"_{self.unit}"
        return self.address.replace(":", "").lower() + unit + ("_test" if self.is_marked_simulated else "")


INVERTER = Device("Inverter", "D8:B6:73:BF:4F:75", "inverter", "RIV1230RCH-SPS", 32, "BTRIC134000035")
ROOF = Device("Roof", "D8:B6:73:BF:4F:80", "controller", "RNG-CTRL-RVR40")
ALTERNATOR = Device("Alternator", "D8:B6:73:BF:4F:81", "dcdc", "RBC50D1S-G1")
BATTERIES = tuple(
    Device(f"Battery {number}", "D8:B6:73:BF:4F:82", "battery", f"RBT50LFP48S-{letter}", unit)
    for number, letter, unit in ((1, "A", 48), (2, "B", 49), (3, "C", 50))
)
SHUNT = Device("Shunt", "D8:B6:73:BF:4F:83", "shunt300", "RTMShunt300", advertised="RTMShunt300123456")
EVERY_FAMILY = (INVERTER, ROOF, ALTERNATOR, *BATTERIES, SHUNT)
"""As in `blupow demo`, which has another inverter."""


def as_in_demo(devices: Sequence[Device]) -> list[Device]:
    return [replace(device, is_marked_simulated=True) for device in devices]


class Simulation:
    """A dbus-daemon of its own, and blupow-simulator on it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._journal = directory / "simulator.log"
        self._programs: list[Program] = []

    @property
    def environment(self) -> dict[str, str]:
        """What blupow and its workers need to reach it instead of the host's Bluetooth."""
        return {
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._directory}/bus",
            "XDG_RUNTIME_DIR": str(self._directory),
            "BLUPOW_ATT_SOCKETS": f"{self._directory}/att",
        }

    async def start(self, devices: Sequence[Device]) -> None:
        (self._directory / "att").mkdir()
        bus_configuration = self._directory / "bus.conf"
        bus_configuration.write_text(_BUS.format(directory=self._directory))
        bus_log = self._directory / "bus.log"
        self._programs.append(await Program.start(
            "dbus-daemon", "dbus-daemon", f"--config-file={bus_configuration}", "--nofork", "--print-address=1", log=bus_log
        ))
        await until("dbus-daemon to listen", lambda: _says(bus_log, 0, "unix:"), within=10)
        setup = self._directory / "simulator.json"
        setup.write_text(json.dumps({"modules": _modules(devices)}))
        self._programs.append(await Program.start(
            "blupow-simulator", str(BIN / "blupow-simulator"), "--control", "--att-sockets", f"{self._directory}/att",
            "--config", str(setup), log=self._journal, environment=self.environment, talks=True,
        ))
        await until("blupow-simulator to be ready", lambda: _says(self._journal, 0, '"ready"'), within=10)

    async def faults(self, device: Device, *faults: dict[str, Any]) -> None:
        """Its module has these from now on, and no others."""
        simulator = self._programs[-1].process
        assert simulator.stdin is not None
        before = self._journal.stat().st_size
        command = {"do": "faults", "address": device.address, "faults": faults}
        simulator.stdin.write(json.dumps(command).encode() + b"\n")
        answer = await until("blupow-simulator to answer", lambda: _says(self._journal, before, '"did"', '"error"'), within=10)
        if '"did"' not in answer:
            raise Trouble(f"blupow-simulator refuses {command}: {answer}")

    async def end(self) -> None:
        for program in reversed(self._programs):
            await program.end(SIGTERM)
        self._programs = []


async def _says(log: Path, since: int, *words: str) -> str:
    """The first line behind that offset that has one of these, or nothing."""
    lines = log.read_bytes()[since:].decode(errors="replace").splitlines()
    return next((line for line in lines if any(word in line for word in words)), "")


def _modules(devices: Sequence[Device]) -> list[dict[str, Any]]:
    modules: dict[str, dict[str, Any]] = {}
    for device in devices:
        module = modules.setdefault(
            device.address, {"address": device.address, "name": device.advertised, "vary": True, "devices": []}
        )
        module["devices"].append({"unit": device.unit or 1, "registers": device.registers})
    return list(modules.values())


class Gateway:
    """`blupow run` of these devices, with times as short as they can be."""

    NAME = "cabin"
    INTERVAL = 1
    DEADLINE = 10
    CACHE = 2 * INTERVAL + 45
    GRACE = CACHE + INTERVAL + 45

    def __init__(self, directory: Path, broker: Broker, simulation: Simulation) -> None:
        self._directory = directory
        self._broker = broker
        self._simulation = simulation
        self._program: Program | None = None

    async def start(self, devices: Sequence[Device], discovery: str = "component") -> None:
        self._write(devices, discovery)
        self._program = await Program.start(
            "blupow run", str(BIN / "blupow"), "run", "--config", str(self._directory / "blupow.yaml"),
            log=self._directory / "blupow.log", environment=self._simulation.environment | {"BLUPOW_MIN_INTERVAL": "1s"},
        )

    async def reload(self, devices: Sequence[Device], discovery: str = "component") -> None:
        assert self._program is not None
        self._write(devices, discovery)
        self._program.send(SIGHUP)

    @property
    def is_running(self) -> bool:
        return self._program is not None

    async def end(self, by: Signals = SIGTERM) -> None:
        if self._program:
            await self._program.end(by)
            self._program = None

    async def kill(self) -> None:
        await self.end(SIGKILL)

    def _write(self, devices: Sequence[Device], discovery: str) -> None:
        """As JSON, which is YAML."""
        configuration = {
            "gateway": self.NAME,
            "interval": f"{self.INTERVAL}s",
            "timeout": f"{self.DEADLINE}s",
            # The shortest that the interval allows.
            "cache_for": "1s",
            "grace": "1s",
            "backoff_longest": "5s",
            "state_dir": str(self._directory / "state"),
            "devices": [
                {"name": device.name, "address": device.address, "profile": device.profile}
                | ({} if device.unit is None else {"unit": device.unit})
                | ({"test_mode": True} if device.is_marked_simulated else {})
                for device in devices
            ],
            "mqtt": {"host": "127.0.0.1", "port": self._broker.port, "discovery": discovery},
        }
        (self._directory / "state").mkdir(exist_ok=True)
        (self._directory / "blupow.yaml").write_text(json.dumps(configuration))
