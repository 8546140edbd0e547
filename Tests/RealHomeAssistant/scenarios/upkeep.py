"""What happens to an installation over the years: statistics, restarts, devices that come and go."""

import json
from dataclasses import replace
from signal import SIGKILL

from fleet import ALTERNATOR, EVERY_FAMILY, INVERTER, ROOF, SHUNT, Gateway
from manual import fields
from stage import Stage
from view import View, registered_anew

# Of a broker that goes, at whatever moment.
BROKER_GONE = (
    "[homeassistant.components.mqtt.client] Disconnected from MQTT server",
    "[homeassistant.components.mqtt.client] Failed to connect to MQTT server",
    "[homeassistant.components.mqtt.client] Error returned from MQTT server",
    "in _async_resubscribe_and_publish_birth_message",
)


async def energy(stage: Stage) -> None:
    """The energy dashboard takes every counter of energy."""
    view = View(stage, Gateway.NAME)
    devices = [INVERTER, ROOF, ALTERNATOR]
    await stage.begin(devices)
    await stage.agrees("everything is shown", lambda: view.values(devices))
    counters = {}
    for device in devices:
        for key, entity in (await view.entities(device)).items():
            if key in fields()[device.profile] and fields()[device.profile][key].device_class == "energy":
                counters[entity.id] = entity.attributes["unit_of_measurement"]
    solar = [id for id in counters if "solar" in id or "generation" in id]
    is_some_of_each = solar and len(solar) < len(counters)
    stage.check(f"there are {len(counters)} counters of energy", [] if is_some_of_each else [f"only {list(counters)}"])
    await stage.home.ask(
        "energy/save_prefs",
        energy_sources=[{"type": "solar", "stat_energy_from": id, "config_entry_solar_forecast": None} for id in solar],
        device_consumption=[{"stat_consumption": id} for id in counters if id not in solar],
    )
    # A new sensor has statistics from the next whole five minutes on, when Home Assistant computes them.
    stage.check("it finds nothing wrong with them but that they are new", await _energy_issues(stage, "statistics_not_defined"))
    sums = {entry["statistic_id"]: entry for entry in await stage.home.ask("recorder/list_statistic_ids", statistic_type="sum")}
    stage.check(
        "each of them has a sum, in its unit",
        [
            f"{id}: {sums.get(id)}" for id, unit in counters.items()
            if id not in sums or not sums[id]["has_sum"] or sums[id]["statistics_unit_of_measurement"] != unit
            or sums[id]["unit_class"] != "energy"
        ],
    )
    await stage.agrees(
        "after the next whole five minutes it finds nothing wrong", lambda: _energy_issues(stage), within=5 * 60 + 30
    )
    problems = await stage.home.ask("recorder/validate_statistics")
    stage.check("its statistics are of one kind from the beginning", [f"{id}: {found}" for id, found in problems.items()])
    await stage.agrees("everything is still shown", lambda: view.values(devices))


async def _energy_issues(stage: Stage, *allowed: str) -> list[str]:
    found = await stage.home.ask("energy/validate")
    return [
        json.dumps(issue) for issues in (*found["energy_sources"], *found["device_consumption"]) for issue in issues
        if issue["type"] not in allowed
    ]


async def clearing(stage: Stage) -> None:
    """A device is taken out of the configuration, and another one renamed."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER, ROOF, SHUNT])
    await stage.agrees("everything is shown", lambda: view.values([INVERTER, ROOF, SHUNT]))
    before = await stage.home.registered(view.identifier(INVERTER) + "_")
    house = replace(INVERTER, name="House")
    await stage.gateway.reload([house, SHUNT])

    async def traces() -> list[str]:
        registered = await stage.home.registered(view.identifier(ROOF))
        shown = [state["entity_id"] for state in await stage.home.get("states") if ".roof_" in state["entity_id"]]
        devices = [identifier for identifier in await stage.home.devices() if identifier == view.identifier(ROOF)]
        topics = [topic for topic in stage.broker.retained if "/roof/" in topic or ROOF.id in topic]
        return [f"{trace} is still there" for trace in [*registered, *shown, *devices, *topics]]

    async def renamed() -> list[str]:
        after = await stage.home.registered(view.identifier(house) + "_")
        topics = [topic for topic in stage.broker.retained if "/inverter/" in topic]
        return registered_anew(before, after) + [f"{topic} is still there" for topic in topics]

    await stage.agrees("nothing is left of the device that was taken out", traces)
    await stage.agrees("the renamed one has the entities that it had", renamed)
    await stage.agrees("the renamed one and its neighbour are shown", lambda: view.values([house, SHUNT]))
    stage.check("the renamed device has its new name", await view.device(house))
    await stage.restart_home()
    await stage.agrees("nothing is left of it after a restart of Home Assistant", traces)
    await stage.agrees("the renamed one has its entities after a restart of Home Assistant", renamed)


async def rebirth(stage: Stage) -> None:
    """The broker and Home Assistant restart, one after the other and together. The broker has forgotten everything then."""
    stage.expected_complaints = BROKER_GONE
    view = View(stage, Gateway.NAME)
    await stage.begin(EVERY_FAMILY)
    await stage.agrees("everything is shown", lambda: view.values(EVERY_FAMILY), within=60)
    await stage.broker.end(SIGKILL)
    await stage.broker.start()
    await stage.agrees("everything is shown after a restart of the broker", lambda: view.values(EVERY_FAMILY), within=90)
    await stage.restart_home()
    await stage.agrees("everything is shown after a restart of Home Assistant", lambda: view.values(EVERY_FAMILY))
    await stage.home.end()
    await stage.broker.end(SIGKILL)
    await stage.broker.start()
    await stage.start_home()
    await stage.agrees("everything is shown after a restart of both", lambda: view.values(EVERY_FAMILY), within=90)
    for device in EVERY_FAMILY:
        stage.check(f"{device.name} is described as before", await view.descriptions(device) + await view.device(device))
