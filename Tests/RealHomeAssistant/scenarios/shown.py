"""What is announced appears as it should, in every way of announcing it."""

from fleet import EVERY_FAMILY, INVERTER, Gateway, as_in_demo
from home_assistant import UNAVAILABLE, UNKNOWN
from manual import ORIGINAL_INVERTER
from stage import Stage
from view import View, registered_anew, unlike

# Of each version, of what it is told in the way that it does not take.
TOLD_TWICE = (
    "[homeassistant.components.mqtt.discovery] Integration device is not supported",
    "[homeassistant.components.mqtt.entity] Received a conflicting MQTT discovery message for entity",
)

# Of a device's document that is cleared after its entities were let go of.
LET_GO = "[homeassistant.components.mqtt.discovery] No device components to cleanup for"


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
    await stage.check_complaints()
    stage.expected_complaints = (LET_GO,)
    for mode in ("component", "device") if knows_devices else ():
        await stage.gateway.reload(EVERY_FAMILY, discovery=mode)
        await stage.agrees(f"announcements are handed over to mode {mode}", lambda: _announced_only(stage, mode))
        await stage.agrees(f"everything is shown in mode {mode}", lambda: view.values(EVERY_FAMILY))
        after = await stage.home.registered("blupow_")
        stage.check(f"the entities are the same in mode {mode}", registered_anew(before, after))
    await stage.check_complaints()
    stage.expected_complaints = (*TOLD_TWICE, LET_GO)
    await stage.gateway.reload(EVERY_FAMILY, discovery="both")
    await stage.agrees("everything is announced in both ways", lambda: _announced_twice(stage))
    await stage.restart_home()
    await stage.agrees("everything is shown in mode both", lambda: view.values(EVERY_FAMILY))
    stage.check("the entities are the same in mode both", registered_anew(before, await stage.home.registered("blupow_")))


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
