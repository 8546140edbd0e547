"""What protocol/readings.md says of each key, and what the original's users know of theirs."""

import re
from dataclasses import dataclass
from functools import cache

from programs import ROOT

STATE_CLASSES = ("measurement", "total", "total_increasing")
CATEGORIES = ("diagnostic", "config")


@dataclass(frozen=True)
class Field:
    """As Home Assistant has to show it."""

    platform: str
    name: str
    unit: str | None
    device_class: str | None
    state_class: str | None
    category: str | None


@cache
def fields() -> dict[str, dict[str, Field]]:
    """By profile and key."""
    found: dict[str, dict[str, Field]] = {}
    profile = ""
    for line in (ROOT / "protocol" / "readings.md").read_text().splitlines():
        if line.startswith("## "):
            profile = line.removeprefix("## ")
        elif key := re.match(r"\| `(\w+)`", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.setdefault(profile, {}).setdefault(key[1], _field(cells))
    assert len(found) == 5, f"protocol/readings.md has other profiles than this bench knows: {list(found)}"
    return found


def _field(cells: list[str]) -> Field:
    _, name, unit, _, coded, _, words = cells[:7]
    classes = [word for word in words.split(", ") if word]
    device_class = next((word for word in classes if word not in STATE_CLASSES + CATEGORIES), None)
    # One bit is on or off; so is whether there is a problem.
    is_on_off = bool(re.match(r"bit \d", coded)) or device_class == "problem"
    return Field(
        "binary_sensor" if is_on_off else "sensor", name, unit or None, device_class,
        next((word for word in classes if word in STATE_CLASSES), None),
        next((word for word in classes if word in CATEGORIES), None),
    )


# Key, name, unit and device class of the inverter's entities in the Python BluPow that came before this one. Its users' automations
# name them.
ORIGINAL_INVERTER: list[tuple[str, str, str | None, str | None]] = [
    ("model", "Inverter Model", None, None),
    ("device_id", "Device ID", None, None),
    ("input_voltage", "AC Input Voltage", "V", "voltage"),
    ("input_current", "AC Input Current", "A", "current"),
    ("input_frequency", "AC Input Frequency", "Hz", "frequency"),
    ("output_voltage", "AC Output Voltage", "V", "voltage"),
    ("output_current", "AC Output Current", "A", "current"),
    ("output_frequency", "AC Output Frequency", "Hz", "frequency"),
    ("load_active_power", "AC Load Power", "W", "power"),
    ("load_apparent_power", "AC Apparent Power", "VA", "apparent_power"),
    ("load_current", "Load Current", "A", "current"),
    ("load_percentage", "Load Percentage", "%", None),
    ("line_charging_current", "Line Charging Current", "A", "current"),
    ("battery_voltage", "Battery Voltage", "V", "voltage"),
    ("battery_percentage", "Battery SOC", "%", "battery"),
    ("charging_current", "Battery Charging Current", "A", "current"),
    ("charging_status", "Charging Status", None, "enum"),
    ("charging_power", "Charging Power", "W", "power"),
    ("solar_voltage", "Solar Input Voltage", "V", "voltage"),
    ("solar_current", "Solar Input Current", "A", "current"),
    ("solar_power", "Solar Input Power", "W", "power"),
    ("temperature", "Inverter Temperature", "°C", "temperature"),
]
