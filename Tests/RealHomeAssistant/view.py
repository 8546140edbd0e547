"""What Home Assistant shows of a device, against what is published of it, and against protocol/readings.md."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from fleet import Device
from home_assistant import UNAVAILABLE, UNKNOWN, Entity
from manual import Field, fields
from stage import Stage


class View:
    """A gateway's devices in a stage's Home Assistant. Its methods tell what is wrong, one sentence a finding."""

    def __init__(self, stage: Stage, gateway: str) -> None:
        self._stage = stage
        self._gateway = gateway

    # The two sides

    def state(self, device: Device) -> dict[str, Any]:
        return self._stage.broker.document(f"blupow/{self._gateway}/{device.level}/state")

    def readings(self, device: Device) -> dict[str, Any]:
        return self.state(device).get("readings", {})

    def status(self, device: Device) -> dict[str, Any]:
        return self._stage.broker.document(f"blupow/{self._gateway}/{device.level}/status")

    def identifier(self, device: Device) -> str:
        return f"blupow_{self._gateway}_{device.id}"

    async def entities(self, device: Device) -> dict[str, Entity]:
        return await self._stage.home.entities(self.identifier(device) + "_")

    async def reading_entities(self, device: Device) -> dict[str, Entity]:
        return {key: entity for key, entity in (await self.entities(device)).items() if key in fields()[device.profile]}

    # Values

    async def values(self, devices: Sequence[Device]) -> list[str]:
        """Each device is connected, every reading of it that is published is shown, and so is how it does."""
        wrong = []
        for device in devices:
            entities = await self.entities(device)
            shown = {key: entity.state for key, entity in entities.items()}
            published = self.readings(device)
            if not published:
                wrong.append(f"{device.name}: no readings are published")
            wrong += compare(device, published, shown)
            status = self.status(device)
            if status.get("status") == "connected":
                wrong += compare(device, _diagnostics(status), shown)
            else:
                wrong.append(f"{device.name} is not connected: {status}")
        return wrong

    # Descriptions

    async def descriptions(self, device: Device) -> list[str]:
        """Name, unit, classes and category of each reading that is published."""
        entities = await self.entities(device)
        wrong = []
        for key in self.readings(device):
            field = fields()[device.profile].get(key)
            if field is None:
                wrong.append(f"{key} is not in protocol/readings.md")
            elif key in entities:
                wrong += _differences(key, self._wanted(device, key, field), _described(entities[key]))
        return wrong

    def _wanted(self, device: Device, key: str, field: Field) -> dict[str, Any]:
        mark = " (simulated)" if device.is_marked_simulated else ""
        return {
            "entity_id": f"{field.platform}.{device.level}_{key}",
            "name": field.name,
            "friendly name": f"{device.name}{mark} {field.name}",
            "unit": field.unit,
            "device class": field.device_class,
            "state class": field.state_class,
            "category": field.category,
            "options": field.device_class == "enum" and not self._stage.is_old,
        }

    async def device(self, device: Device) -> list[str]:
        """The device itself."""
        devices = await self._stage.home.devices()
        shown = devices.get(self.identifier(device))
        gateway = devices.get(f"blupow_{self._gateway}")
        if shown is None or gateway is None:
            return [f"{'the device' if shown is None else 'the gateway'} is not there"]
        mark = " (simulated)" if device.is_marked_simulated else ""
        readings = self.readings(device)
        wanted = {
            "name": device.name + mark,
            "manufacturer": "Renogy",
            "model": (self.state(device)["model"] or device.profile) + mark,
            "via_device_id": gateway["id"],
            "sw_version": readings.get("firmware_version"),
            "hw_version": readings.get("hardware_version"),
            "serial_number": readings.get("serial_number"),
        }
        return _differences("device", wanted, shown)

    async def gateway(self) -> list[str]:
        """The gateway itself, and how it does."""
        shown = (await self._stage.home.devices()).get(f"blupow_{self._gateway}")
        if shown is None:
            return ["it is not there"]
        status = self._stage.broker.document(f"blupow/{self._gateway}/status")
        wanted = {
            "name": f"BluPow {self._gateway}", "manufacturer": "BluPow", "model": "Gateway", "sw_version": status["version"],
            "via_device_id": None,
        }
        own = {
            key: entity.state for key, entity in (await self._stage.home.entities(f"blupow_{self._gateway}_")).items()
            if entity.registered["device_id"] == shown["id"]
        }
        states = {
            "version": status["version"], "uptime": str(status["uptime_s"]), "problem": status["problem"],
            "problem_text": status["text"],
        }
        return _differences("device", wanted, shown) + _differences("entities", states, own)


def compare(device: Device, published: dict[str, Any], shown: dict[str, str]) -> list[str]:
    wrong = []
    for key, value in published.items():
        if key not in shown:
            wrong.append(f"{device.name}: {key} has no entity")
        elif not _is_same(value, shown[key]):
            wrong.append(f"{device.name}: {key} is published as {value!r} and shown as {shown[key]!r}")
    return wrong


def unlike(wanted: str, entities: dict[str, Entity], keys: Iterable[str] | None = None) -> list[str]:
    """Those that show something else, or are not there."""
    return [
        f"{key} shows {entities[key].state if key in entities else 'nothing: it has no entity'}"
        for key in (entities if keys is None else keys)
        if key not in entities or entities[key].state != wanted
    ] or ([] if entities else ["there are no entities"])


def registered_anew(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Entries that are not what they were: a user's own settings, history and statistics hang on them."""
    wrong = []
    for key in before.keys() | after.keys():
        if key not in before:
            wrong.append(f"{key} is new")
        elif key not in after:
            wrong.append(f"{key} is gone")
        elif any(before[key][word] != after[key][word] for word in ("id", "entity_id")):
            wrong.append(f"{key} was {before[key]['entity_id']} and is registered anew as {after[key]['entity_id']}")
    return wrong


def is_measured(device: Device, key: str) -> bool:
    """What is missing of these is unknown, and of words unavailable."""
    field = fields()[device.profile][key]
    return field.unit is not None or field.state_class is not None


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_same(value: Any, shown: str) -> bool:
    if isinstance(value, (int, float)):
        return is_number(shown) and float(shown) == value
    if isinstance(value, datetime):
        # Home Assistant shows whole seconds.
        return shown not in (UNAVAILABLE, UNKNOWN) and datetime.fromisoformat(shown) == value.replace(microsecond=0)
    return shown == value


def _diagnostics(status: dict[str, Any]) -> dict[str, Any]:
    """What its diagnostic entities have to show."""
    shares = {key: UNKNOWN if status[key] is None else round(status[key] * 100, 1) for key in ("success_rate", "availability")}
    seen = status["read_at"]
    return shares | {
        "status": status["status"],
        "last_seen": datetime.fromisoformat(seen.replace("Z", "+00:00")) if seen else UNAVAILABLE,
        "consecutive_failures": status["consecutive_failures"],
        "deadline": status["deadline_s"],
        "last_failure": status["failure"]["class"] if status["failure"] else "none",
    }


def _described(entity: Entity) -> dict[str, Any]:
    return {
        "entity_id": entity.id,
        "name": entity.registered["original_name"],
        "friendly name": entity.attributes.get("friendly_name"),
        "unit": entity.attributes.get("unit_of_measurement"),
        "device class": entity.attributes.get("device_class"),
        "state class": entity.attributes.get("state_class"),
        "category": entity.registered["entity_category"],
        # A state that is not among them is an error.
        "options": entity.state in entity.attributes.get("options", []),
    }


def _differences(what: str, wanted: dict[str, Any], shown: dict[str, Any]) -> list[str]:
    return [
        f"{what}: its {name} is {shown.get(name)!r} and not {value!r}" for name, value in wanted.items() if shown.get(name) != value
    ]
