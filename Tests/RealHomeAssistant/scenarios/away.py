"""Devices and gateways that are away: nothing that is old is shown as if it were not."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import dropwhile
from typing import Any

from fleet import INVERTER, ROOF, Device, Gateway
from home_assistant import UNAVAILABLE, UNKNOWN, Entity, now
from programs import until
from stage import Stage
from view import View, compare, is_measured, is_number, unlike

# A state changes with the poll or the second that is due; then it has to come through.
SLACK = 6


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
        [f"it was {state['state']}" for state in (await stage.home.history([status], silenced)).get(status, [])],
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


async def missing(stage: Stage) -> None:
    """A device goes on answering, but not for some of its registers."""
    view = View(stage, Gateway.NAME)
    await stage.begin([INVERTER])
    await stage.agrees("everything is shown", lambda: view.values([INVERTER]))
    before, silenced = view.readings(INVERTER), now()
    # The loads' registers, and the one of the device's id.
    await stage.simulation.faults(INVERTER, *({"fault": "silent", "register": register} for register in (4408, 4109)))

    def missed() -> list[str]:
        return [key for key in before if key not in view.readings(INVERTER)]

    async def is_settled() -> bool:
        # After a silence nothing more is asked in that poll; what was silent is not asked in the next one.
        return {"load_current", "device_id"} <= set(missed()) and "serial_number" in view.readings(INVERTER)

    await until("polls without these registers, and no others", is_settled, within=90)
    keys = missed()
    measurements = [key for key in keys if is_measured(INVERTER, key)]
    words = [key for key in keys if key not in measurements]

    async def unknown() -> list[str]:
        return unlike(UNKNOWN, await view.entities(INVERTER), measurements)

    async def unavailable() -> list[str]:
        return unlike(UNAVAILABLE, await view.entities(INVERTER), words)

    await stage.agrees(f"measurements that are missing are unknown: {', '.join(measurements)}", unknown)
    await stage.agrees(f"words that are missing are unavailable: {', '.join(words)}", unavailable)
    await stage.agrees("what is not missing is shown", lambda: view.values([INVERTER]))
    await stage.broker_hears(f"blupow/{Gateway.NAME}/{INVERTER.level}/state", times=5)
    await stage.all_is_recorded()
    ids = [entity.id for key, entity in (await view.entities(INVERTER)).items() if key in keys]
    wrong = []
    for id, states in (await stage.home.history(ids, silenced)).items():
        # At first a last value may still be on its way.
        since = dropwhile(is_number, (state["state"] for state in states))
        wrong += [f"{id} was {state} again" for state in since if is_number(state)]
    stage.check("none of them has a value again", wrong)


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


async def _until_shown(stage: Stage, view: View, key: str, state: str) -> Entity:
    """The inverter's entity, once it shows that."""

    async def look() -> Entity | None:
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
    return compare(INVERTER, wanted, {key: entity.state for key, entity in entities.items()})


async def _check_history(
    stage: Stage, view: View, what: str, devices: list[Device], since: datetime, before: datetime | None = None
) -> None:
    """That no reading had a value in that time, which ends now where no other end is given."""
    await stage.all_is_recorded()
    wrong = []
    for device in devices:
        entities = await view.reading_entities(device)
        history = await stage.home.history([entity.id for key, entity in entities.items() if is_measured(device, key)], since)
        if not history:
            wrong.append(f"{device.name} has no history at all")
        for id, states in history.items():
            wrong += [
                f"{id} was {state['state']} at {state['last_changed']}" for state in states
                if is_number(state["state"]) and (before is None or datetime.fromisoformat(state["last_changed"]) < before)
            ]
    stage.check(what, wrong)


async def _check_restart_without_gateway(stage: Stage, view: View, what: str, start: Callable[[], Awaitable[None]]) -> None:
    async def last_will() -> bool:
        return stage.broker.retained.get(f"blupow/{Gateway.NAME}/availability") == "offline"

    await until("the broker to say that the gateway is gone", last_will)
    started = now()
    await start()
    entities = await stage.home.entities(f"blupow_{Gateway.NAME}_")
    stage.check(f"{what}: everything is unavailable after the start of Home Assistant", unlike(UNAVAILABLE, entities))
    await _check_history(stage, view, f"{what}: history has no value since that start", [INVERTER, ROOF], started)
