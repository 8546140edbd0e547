"""What a Home Assistant has to make of what blupow publishes: one function a scenario, one line a finding."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from signal import SIGKILL
from typing import Any

from fleet import ALTERNATOR, BATTERIES, EVERY_FAMILY, INVERTER, ROOF, SHUNT, Device, Gateway, as_in_demo
from home_assistant import UNAVAILABLE, UNKNOWN, now
from manual import ORIGINAL_INVERTER, fields
from programs import until
from stage import Stage
from view import DIAGNOSTICS, View, compare, is_number, unlike

Scenario = Callable[[Stage], Awaitable[None]]

# A state changes with the poll or the second that is due; then it has to come through.
SLACK = 6

# Of each version, of what it is told in the way that it does not take.
TOLD_TWICE = (
    "[homeassistant.components.mqtt.discovery] Integration device is not supported",
    "[homeassistant.components.mqtt.entity] Received a conflicting MQTT discovery message for entity",
)
BROKER_GONE = ("[homeassistant.components.mqtt.client] Disconnected from MQTT server", "Failed to connect to MQTT server")


async def families(stage: Stage) -> None:
    """`blupow demo --mqtt`: one of each family, and a hub with three batteries."""
    view = View(stage, "demo")
    devices = as_in_demo(EVERY_FAMILY)
    await stage.begin_demo()
    await stage.agrees("every reading and every measure is shown as it is published", lambda: view.values(devices), within=60)
    for device in devices:
        count = len(view.readings(device))
        stage.check(
            f"{device.name}: name, unit, classes and category of {count} readings are those of protocol/readings.md",
            await view.descriptions(device),
        )
        stage.check(f"{device.name} is a device behind the gateway", await view.device(device))
    stage.check("the gateway is a device", await view.gateway())
    await stage.end_demo()

    async def left() -> list[str]:
        return [f"{key} is still there" for key in await stage.home.registered("blupow_")]

    await stage.agrees("nothing of the demo is left after its end", left)


async def original(stage: Stage) -> None:
    """The entities that the users of the Python BluPow had."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER])
    await stage.agrees("every reading and every measure is shown as it is published", lambda: view.values([INVERTER]))
    entities = await view.entities(INVERTER)
    wrong = []
    for key, name, unit, device_class in ORIGINAL_INVERTER:
        if key not in entities:
            wrong.append(f"{key} has no entity")
            continue
        entity = entities[key]
        shown = (
            entity.id, entity.registered["original_name"], entity.attributes.get("unit_of_measurement"),
            entity.attributes.get("device_class"),
        )
        wanted = (f"sensor.inverter_{key}", name, unit, device_class)
        if shown != wanted:
            wrong.append(f"{key} is {shown} and not {wanted}")
        if entity.state in (UNAVAILABLE, UNKNOWN):
            wrong.append(f"{key} shows {entity.state}")
    stage.check(f"the original's {len(ORIGINAL_INVERTER)} entities have their key, name, unit and class", wrong)


async def quiet(stage: Stage) -> None:
    """A life without accidents, of which Home Assistant has nothing to complain of: the log is looked at after every scenario."""
    view = View(stage, Gateway.NAME)
    await stage.begin(EVERY_FAMILY)
    await stage.agrees("everything is shown", lambda: view.values(EVERY_FAMILY), within=60)
    await stage.restart_home()
    await stage.agrees("everything is shown after a restart of Home Assistant", lambda: view.values(EVERY_FAMILY))
    await stage.gateway.end()

    async def all_away() -> list[str]:
        return unlike(UNAVAILABLE, await stage.home.entities(f"blupow_{Gateway.NAME}_"))

    await stage.agrees("everything is unavailable after the end of the service", all_away)
    await stage.gateway.start(EVERY_FAMILY)
    await stage.agrees("everything is shown after a restart of the service", lambda: view.values(EVERY_FAMILY), within=60)


async def freshness(stage: Stage) -> None:
    """A device goes silent, and comes back."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER, ROOF])
    await stage.agrees("everything is shown", lambda: view.values([INVERTER, ROOF]))
    silenced = now()
    await stage.simulation.faults(INVERTER, {"fault": "silent"})
    stages = (
        ("offline", 0, 2 * Gateway.INTERVAL + Gateway.DEADLINE),
        ("disconnected", Gateway.CACHE, Gateway.CACHE),
    )
    for status, earliest, latest in stages:
        entity = await _until_shown(stage, view, "status", status)
        last = view.state(INVERTER)
        stage.check(f"its status is {status} when its readings are old enough", _when(last, entity.last_changed, earliest, latest))
        shown = {key: entity.state for key, entity in (await view.entities(INVERTER)).items()}
        stage.check(f"the last readings are shown while it is {status}", compare(INVERTER, last["readings"], shown))
    entity = await _until_shown(stage, view, "battery_voltage", UNAVAILABLE)
    stage.check("it is unavailable when its readings are too old", _when(last, entity.last_changed, Gateway.GRACE, Gateway.GRACE))

    async def gone() -> list[str]:
        return unlike(UNAVAILABLE, await view.reading_entities(INVERTER))

    await stage.agrees("every reading of it is unavailable", gone, within=SLACK)
    stage.check("one sees what is wrong with it", await _diagnosis(stage, view))
    await stage.agrees("its neighbour is shown as ever", lambda: view.values([ROOF]))
    status = (await view.entities(ROOF))["status"].id
    stage.check(
        "its neighbour has been connected all the time",
        [f"{state['state']} at {state['last_changed']}" for state in (await stage.home.history([status], silenced)).get(status, [])],
    )
    await stage.simulation.faults(INVERTER)
    await stage.agrees("it is shown again when it answers again", lambda: view.values([INVERTER, ROOF]), within=60)


async def restart_stale(stage: Stage) -> None:
    """Home Assistant restarts while there is nothing to show, and must not show what is old."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER, ROOF])
    await stage.agrees("everything is shown", lambda: view.values([INVERTER, ROOF]))

    await stage.simulation.faults(INVERTER, {"fault": "silent"})
    await _until_shown(stage, view, "battery_voltage", UNAVAILABLE)
    restarted = now()
    await stage.restart_home()
    stage.check("a device that is away is unavailable after a restart", unlike(UNAVAILABLE, await view.reading_entities(INVERTER)))
    stage.check("one sees what is wrong with it after a restart", await _diagnosis(stage, view))
    returned = now()
    await stage.simulation.faults(INVERTER)
    await stage.agrees("it is shown again when it answers again", lambda: view.values([INVERTER, ROOF]), within=60)
    await _check_history(stage, view, "history has no value of it from the restart to its return", [INVERTER], restarted, returned)

    await stage.simulation.faults(INVERTER, {"fault": "silent"})
    await _until_shown(stage, view, "status", "offline")
    await stage.gateway.kill()
    await _check_restart_without_gateway(stage, view, "a gateway was killed beside a device that was away", stage.restart_home)

    await stage.simulation.faults(INVERTER)
    await stage.gateway.start([INVERTER, ROOF])
    await stage.agrees("everything is shown when the gateway is back", lambda: view.values([INVERTER, ROOF]), within=60)
    # The last that Home Assistant has seen is fresh.
    await stage.home.end()
    await stage.gateway.kill()
    await _check_restart_without_gateway(stage, view, "a gateway was killed while Home Assistant was away", stage.start_home)


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
    stage.check(f"there are {len(counters)} counters of energy", [] if solar and len(solar) < len(counters) else [f"only {list(counters)}"])
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
        wrong = [f"{key} is registered anew, or not at all" for key in before if after.get(key, {}).get("id") != before[key]["id"]]
        wrong += [f"{key} is new" for key in after if key not in before]
        wrong += [f"{key} is {after[key]['entity_id']}" for key in after if key in before and after[key]["entity_id"] != before[key]["entity_id"]]
        topics = [topic for topic in stage.broker.retained if "/inverter/" in topic]
        return wrong + [f"{topic} is still there" for topic in topics]

    await stage.agrees("nothing is left of the device that was taken out", traces)
    await stage.agrees("the renamed one has the entities that it had", renamed)
    await stage.agrees("the renamed one and its neighbour are shown", lambda: view.values([house, SHUNT]))
    stage.check("the renamed device has its new name", await view.device(house))
    await stage.restart_home()
    await stage.agrees("nothing is left of it after a restart of Home Assistant", traces)
    await stage.agrees("the renamed one has its entities after a restart of Home Assistant", renamed)


async def missing(stage: Stage) -> None:
    """A device goes on answering, but not for some of its registers."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER])
    await stage.agrees("everything is shown", lambda: view.values([INVERTER]))
    before, silenced = view.readings(INVERTER), now()
    # The loads' registers, and the one of the device's id.
    await stage.simulation.faults(INVERTER, *({"fault": "silent", "register": register} for register in (4408, 4109)))

    def gone() -> list[str]:
        return [key for key in before if key not in view.readings(INVERTER)]

    async def is_settled() -> bool:
        # After a silence nothing more is asked in that poll; what was silent is not asked in the next one.
        return {"load_current", "device_id"} <= set(gone()) and "serial_number" in view.readings(INVERTER)

    await until("polls without these registers, and no others", is_settled, within=90)
    for what, keys, state in (
        ("measurements", [key for key in gone() if _is_measured(key)], UNKNOWN),
        ("words", [key for key in gone() if not _is_measured(key)], UNAVAILABLE),
    ):

        async def shown() -> list[str]:
            return unlike(state, await view.entities(INVERTER), keys)

        await stage.agrees(f"{what} that are missing are {state}: {', '.join(keys)}", shown)
    await stage.agrees("what is not missing is shown", lambda: view.values([INVERTER]))
    ids = [entity.id for key, entity in (await view.entities(INVERTER)).items() if key in gone()]
    wrong = []
    for id, states in (await stage.home.history(ids, silenced)).items():
        numeric = [is_number(state["state"]) for state in states]
        if True in numeric[numeric.index(False) :]:
            wrong.append(f"{id} was {', '.join(state['state'] for state in states)}")
    stage.check("none of them had a value again", wrong)


async def never_read(stage: Stage) -> None:
    """A device that has not answered yet."""
    view = View(stage, Gateway.NAME)
    await stage.broker.start()
    await stage.home.start()
    await stage.simulation.start([INVERTER])
    await stage.simulation.faults(INVERTER, {"fault": "silent"})
    await stage.gateway.start([INVERTER])
    await _until_shown(stage, view, "last_failure", "silent")
    stage.check("one sees what is wrong with it", await _diagnosis(stage, view))
    stage.check("every reading of it is unavailable", unlike(UNAVAILABLE, await view.reading_entities(INVERTER)))
    await stage.restart_home()
    stage.check("so it is after a restart of Home Assistant", unlike(UNAVAILABLE, await view.reading_entities(INVERTER)))
    stage.check("one sees what is wrong with it after a restart", await _diagnosis(stage, view))
    await stage.simulation.faults(INVERTER)
    await stage.agrees("it is shown when it answers", lambda: view.values([INVERTER]), within=60)


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


async def modes(stage: Stage) -> None:
    """Announced entity by entity, device by device, in both ways; and handed over from one to the other."""
    view = View(stage, Gateway.NAME)
    knows_devices = not stage.is_old
    await stage.begin(EVERY_FAMILY, discovery="device" if knows_devices else "component")
    await stage.agrees("everything is shown", lambda: view.values(EVERY_FAMILY), within=60)
    for device in EVERY_FAMILY:
        stage.check(f"{device.name} is described as it should be", await view.descriptions(device) + await view.device(device))
    stage.check("the gateway is a device", await view.gateway())
    before = await stage.home.registered("blupow_")
    for mode in ("component", "device") if knows_devices else ():
        await stage.gateway.reload(EVERY_FAMILY, discovery=mode)
        await stage.agrees(f"announcements are handed over to mode {mode}", lambda: _announced_only(stage, mode))
        await stage.agrees(f"everything is shown in mode {mode}", lambda: view.values(EVERY_FAMILY))
        after = await stage.home.registered("blupow_")
        stage.check(f"the entities are the same in mode {mode}", _registered_anew(before, after))
    await stage.check_complaints()
    stage.expected_complaints = TOLD_TWICE
    await stage.gateway.reload(EVERY_FAMILY, discovery="both")
    await stage.agrees("everything is announced in both ways", lambda: _announced_twice(stage))
    await stage.restart_home()
    await stage.agrees("everything is shown in mode both", lambda: view.values(EVERY_FAMILY))
    stage.check("the entities are the same in mode both", _registered_anew(before, await stage.home.registered("blupow_")))


SCENARIOS: dict[str, Scenario] = {
    "families": families,
    "original": original,
    "quiet": quiet,
    "freshness": freshness,
    "restart-stale": restart_stale,
    "energy": energy,
    "clearing": clearing,
    "missing": missing,
    "never-read": never_read,
    "rebirth": rebirth,
    "modes": modes,
}


# Pieces


async def _until_shown(stage: Stage, view: View, key: str, state: str) -> Any:
    """The inverter's entity, once it shows that."""

    async def look() -> Any:
        entity = (await view.entities(INVERTER)).get(key)
        return entity if entity and entity.state == state else None

    return await until(f"the inverter's {key} to be {state}", look, within=Gateway.GRACE + 30)


def _when(last: dict[str, Any], changed: datetime, earliest: float, latest: float) -> list[str]:
    """Whether its last readings had that age then."""
    age = (changed - datetime.fromisoformat(last["read_at"].replace("Z", "+00:00"))).total_seconds()
    is_in_time = earliest <= age <= latest + SLACK
    return [] if is_in_time else [f"they were {age:.1f} s old, and not {earliest} to {latest + SLACK}"]


async def _diagnosis(stage: Stage, view: View) -> list[str]:
    """What is shown of the silent inverter."""
    entities = await view.entities(INVERTER)
    wanted = {"status": "disconnected", "last_failure": "silent"}
    return compare(INVERTER, wanted, {key: entities[key].state for key in DIAGNOSTICS if key in entities})


async def _check_history(
    stage: Stage, view: View, what: str, devices: list[Device], since: datetime, before: datetime | None = None
) -> None:
    """That no reading had a value in that time; looked at when something later is recorded, so that nothing is still on its way."""
    ids = [entity.id for device in devices for key, entity in (await view.reading_entities(device)).items() if _is_measured(key, device)]

    async def recorded() -> dict[str, list[dict[str, Any]]]:
        history = await stage.home.history(ids, since)
        is_later = all(
            any(before is None or datetime.fromisoformat(state["last_changed"]) > before for state in history.get(id, []))
            for id in ids
        )
        return history if is_later else {}

    history = await until("history of every reading since the restart", recorded)
    stage.check(what, [
        f"{id} was {state['state']} at {state['last_changed']}"
        for id, states in history.items() for state in states
        if is_number(state["state"]) and (before is None or datetime.fromisoformat(state["last_changed"]) < before)
    ])


async def _check_restart_without_gateway(stage: Stage, view: View, what: str, start: Callable[[], Awaitable[None]]) -> None:
    async def last_will() -> bool:
        return stage.broker.retained.get(f"blupow/{Gateway.NAME}/availability") == "offline"

    await until("the broker to say that the gateway is gone", last_will)
    started = now()
    await start()
    entities = await stage.home.entities(f"blupow_{Gateway.NAME}_")
    stage.check(f"{what}: everything is unavailable after the start of Home Assistant", unlike(UNAVAILABLE, entities))
    await _check_history(stage, view, f"{what}: history has no value since that start", [INVERTER, ROOF], started)


async def _energy_issues(stage: Stage, *allowed: str) -> list[str]:
    found = await stage.home.ask("energy/validate")
    return [
        json.dumps(issue) for issues in (*found["energy_sources"], *found["device_consumption"]) for issue in issues
        if issue["type"] not in allowed
    ]


def _is_measured(key: str, device: Device = INVERTER) -> bool:
    field = fields()[device.profile][key]
    return field.unit is not None or field.state_class is not None


def _registered_anew(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{key} is {'new' if key not in before else 'gone' if key not in after else 'registered anew'}"
        for key in before.keys() | after.keys()
        if before.get(key, {}).get("id") != after.get(key, {}).get("id")
    ]


def _announcements(stage: Stage) -> tuple[list[str], list[str]]:
    """Topics of whole devices, and of single entities."""
    topics = [topic for topic in stage.broker.retained if topic.startswith("homeassistant/") and topic.endswith("/config")]
    devices = [topic for topic in topics if topic.startswith("homeassistant/device/")]
    return devices, [topic for topic in topics if topic not in devices]


async def _announced_only(stage: Stage, mode: str) -> list[str]:
    devices, entities = _announcements(stage)
    wanted, others = (devices, entities) if mode == "device" else (entities, devices)
    return [f"{topic} is still there" for topic in others] + ([] if wanted else [f"nothing is announced in mode {mode}"])


async def _announced_twice(stage: Stage) -> list[str]:
    devices, entities = _announcements(stage)
    return [] if devices and entities else [f"announced are {len(devices)} whole devices and {len(entities)} single entities"]
