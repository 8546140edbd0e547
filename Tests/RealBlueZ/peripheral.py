#!/usr/bin/python3
"""Renogy modules, one on each Bluetooth controller that is given: what the real bluetoothd talks to in these tests.

Made on bumble, a Bluetooth stack that shares nothing with ours or BlueZ's. A module takes one link, answers Modbus reads from a
register file, and misbehaves on command. Commands and journal are JSON lines on a unix socket of its own; their words are those of
protocol/simulator.md where they mean the same:

  {"do":"module", "address":A, "name":N, "advertising":true, "mtu":23, "gatt":"renogy",
   "devices":[{"unit":32,"registers":"RIV4835CSH1S"}], "faults":[...]}
      becomes another module (everything but the address has a default); "gatt" may also be "moved" (the same characteristics at
      other handles, as after a firmware update), "bare" and "moved_bare" (without the generic attribute service) or "stranger" (not a
      Renogy module)
  {"do":"faults", "faults":[...]}    {"do":"advertise", "on":false}    {"do":"drop"}    {"do":"state"}
  {"do":"name", "name":N}    {"do":"gatt", "gatt":"moved"}

Each is answered by a line with "saw": "did", "state" or "error".
"""

import argparse
import asyncio
import copy
import json
import logging
import os
import sys
import time

from bumble import att, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.gatt_server import Server
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport

WRITE = Characteristic.Properties.WRITE
WRITE_COMMAND = Characteristic.Properties.WRITE_WITHOUT_RESPONSE
NOTIFY = Characteristic.Properties.NOTIFY
READ = Characteristic.Properties.READ
READABLE = Characteristic.Permissions.READABLE
WRITEABLE = Characteristic.Permissions.WRITEABLE

REQUEST_FAULTS = {"silent", "slow", "late_reply", "wrong_crc", "wrong_id", "truncated", "exception", "drop_link", "noise"}
LINK_FAULTS = {"services_never_resolve", "services_late", "drop_on_connect"}
NOTIFY_FAULTS = {"notify_refused", "needs_pairing", "drop_on_subscribe"}
# What it says besides its answers, once a link: before the first answer after the MTU exchange, or before the reply to a frame.
PROTOCOL_FAULTS = {"peer_mtu", "stray_response", "indication", "unknown_opcode", "long_pdu"}
# What it is born with, and what is bluetoothd's own and comes by itself.
OTHERS = {"no_characteristics", "connected_unsaid"}
SETS = (0, 1)  # handles of advertising sets
BLINK = 0.25  # seconds


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class Registers:
    """Words by unit and register, of the models that the file has; a run that it does not hold whole is exception 2."""

    def __init__(self, path):
        with open(path) as file:
            self.models = {
                model: {
                    int(first) + index: int(word, 16)
                    for first, words in blocks.items()
                    for index, word in enumerate(words.split())
                }
                for model, blocks in json.load(file)["models"].items()
            }
        self.words = {}

    def of(self, devices):
        registers = copy.copy(self)
        registers.words = {device["unit"]: self.models[device["registers"]] for device in devices}
        return registers

    def answer(self, request):
        """The reply to a frame, or None where a real device says nothing: a damaged frame, or another unit."""
        if len(request) != 8 or crc16(request[:6]) != request[6:]:
            return None
        unit, function = request[0], request[1]
        if unit == 255 and len(self.words) == 1:
            unit = next(iter(self.words))
        known = self.words.get(unit)
        if known is None:
            return None
        first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        wanted = range(first, first + count)
        if function != 3:
            body = bytes([unit, function | 0x80, 1])
        elif not 1 <= count <= 125 or any(register not in known for register in wanted):
            body = bytes([unit, 0x83, 2])
        else:
            body = bytes([unit, 3, count * 2]) + b"".join(known[register].to_bytes(2, "big") for register in wanted)
        return body + crc16(body)


class Fault:
    def __init__(self, fields):
        self.word = fields["fault"]
        if self.word not in REQUEST_FAULTS | LINK_FAULTS | NOTIFY_FAULTS | PROTOCOL_FAULTS:
            raise ValueError(f"'{self.word}' is not a fault that this module knows")
        self.fields = fields
        self.is_when_reading = self.word in REQUEST_FAULTS or fields.get("when") == "reading"
        self.seen = 0

    def strikes(self):
        self.seen += 1
        first, times = self.fields.get("from_request", 1), self.fields.get("times")
        return self.seen >= first and (times is None or self.seen < first + times)

    def concerns(self, request):
        register, unit = self.fields.get("register"), self.fields.get("unit")
        if unit is not None and request[:1] != bytes([unit]):
            return False
        return register is None or (len(request) > 3 and int.from_bytes(request[2:4], "big") == register)


class LateServer(Server):
    """A GATT server that may let requests wait."""

    module = None

    def on_gatt_pdu(self, bearer, att_pdu):
        if att_pdu.op_code in att.ATT_REQUESTS and self.module.hold > 0:
            if self.module.hold != float("inf"):
                asyncio.get_running_loop().call_later(
                    max(0.0, self.module.linked_at + self.module.hold - time.monotonic()), super().on_gatt_pdu, bearer, att_pdu
                )
            return
        if att_pdu.op_code in att.ATT_REQUESTS and att_pdu.op_code != att.Opcode.ATT_EXCHANGE_MTU_REQUEST:
            self.module.on_first_request(bearer)
        super().on_gatt_pdu(bearer, att_pdu)

    def write_cccd(self, bearer, characteristic, value):
        if characteristic is self.module.notify:
            self.module.on_subscribe(value)
        super().write_cccd(bearer, characteristic, value)


class Unwilling(PairingDelegate):
    """Nobody presses the button."""

    async def accept(self):
        return False


class SteeredDevice(Device):
    """A device whose advertising is ours to steer, so that a link is announced without waiting for a set of bumble's."""

    supports_le_extended_advertising = False
    module = None

    def on_gatt_pdu(self, connection_handle, pdu):
        # What a host says to what the module said unasked: error, MTU response, confirmation.
        if pdu[0] in (0x01, 0x03, 0x1E):
            self.module.say("att", address=self.module.address, hex=pdu.hex())
            return
        super().on_gatt_pdu(connection_handle, pdu)


class Module:
    say = None  # its steering's

    def __init__(self, device, registers):
        self.device, self.models, self.registers = device, registers, registers
        self.address, self.name, self.advertising, self.faults = None, "", False, []
        self.air = asyncio.Lock()
        self.connection, self.requests, self.hold, self.linked_at, self.notify = None, 0, 0.0, 0.0, None
        self.was_asked = False
        device.module = self

    # What it is.

    async def become(self, fields):
        await self.close()
        self.address = fields["address"]
        self.name = fields.get("name", "BT-TH-66E5CDEB   ")
        faults = fields.get("faults", [])
        stranger = any(fault["fault"] == "no_characteristics" for fault in faults)
        self.faults = [Fault(fault) for fault in faults if fault["fault"] not in OTHERS]
        self.requests = 0
        self.registers = self.models.of(fields.get("devices", [{"unit": 32, "registers": "RIV4835CSH1S"}]))
        self.make_services("stranger" if stranger else fields.get("gatt", "renogy"), fields.get("mtu", 23))
        await self.advertise(fields.get("advertising", True))

    async def close(self):
        await self.advertise(False)
        if self.connection:
            await self.connection.disconnect()

    def make_services(self, kind, mtu=None):
        server = LateServer(self.device)
        server.module = self
        server.max_mtu = mtu or self.device.gatt_server.max_mtu
        self.device.gatt_server = server
        self.device.gatt_service = None
        # Without the generic attribute service there is no database hash, and a host must trust what it remembers.
        self.device.add_default_services(True, add_gatt_service="bare" not in kind)
        if kind == "stranger":
            maker = Characteristic("2A29", READ, READABLE, b"Nobody")
            server.add_service(Service("180A", [maker]))
            return
        if kind.startswith("moved"):
            server.add_service(Service("180F", [Characteristic("2A19", READ, READABLE, b"\x64")]))
        asked = CharacteristicValue(write=self.on_request)
        self.notify = Characteristic("FFF1", READ | NOTIFY, READABLE, b"")
        server.add_service(Service("FFD0", [
            Characteristic("FFD1", READ | WRITE_COMMAND | WRITE, READABLE | WRITEABLE, asked),
            Characteristic("FFD2", READ | NOTIFY, READABLE, b""),
            Characteristic("FFD4", READ, READABLE, b"\x00"),
        ]))
        server.add_service(Service("FFF0", [self.notify]))
        # The trap: its f000ffd1 starts a firmware update.
        server.add_service(Service(UUID("F000FFD0-0451-4000-B000-000000000000"), [
            Characteristic(UUID("F000FFD1-0451-4000-B000-000000000000"), WRITE_COMMAND | WRITE | NOTIFY, WRITEABLE, b""),
        ]))

    async def advertise(self, on):
        """Sets whether it is on the air while nobody is linked."""
        self.advertising = on
        await self.go_on_or_off_the_air()

    async def go_on_or_off_the_air(self):
        # One at a time: the controller refuses steps of two that overlap.
        async with self.air:
            if self.connection is None:
                await self.set_advertising()

    # By commands of our own, because btvirt 5.66 has habits that bumble does not expect: it reports an advertisement once, when
    # advertising or scanning begins, and not every 100 ms; it hears no legacy advertising when a scan begins; a link that is
    # asked for while a set is off is never made. So two sets of one address: one stays on, the other blinks.
    async def set_advertising(self):
        await self.enable_sets(False)
        if not self.advertising:
            return
        send, none = self.device.send_sync_command, hci.Address.ANY
        address = hci.Address(self.address, hci.Address.RANDOM_DEVICE_ADDRESS)
        data = AdvertisingData([
            (AdvertisingData.FLAGS, bytes([0x06])), (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
        ])
        for handle in SETS:
            await send(hci.HCI_LE_Set_Extended_Advertising_Parameters_Command(
                advertising_handle=handle, advertising_event_properties=0x13,  # ADV_IND
                primary_advertising_interval_min=160, primary_advertising_interval_max=160,  # 100 ms
                primary_advertising_channel_map=7, own_address_type=hci.OwnAddressType.RANDOM,
                peer_address_type=none.address_type, peer_address=none, advertising_filter_policy=0, advertising_tx_power=0,
                primary_advertising_phy=1, secondary_advertising_max_skip=0, secondary_advertising_phy=1, advertising_sid=0,
                scan_request_notification_enable=0))
            await send(hci.HCI_LE_Set_Advertising_Set_Random_Address_Command(
                advertising_handle=handle, random_address=address))
            await send(hci.HCI_LE_Set_Extended_Advertising_Data_Command(
                advertising_handle=handle, operation=3, fragment_preference=1, advertising_data=bytes(data)))
        await self.enable_sets(True, *SETS)

    async def enable_sets(self, on, *sets):
        """Without sets: all of them, which is never refused."""
        zero = [0] * len(sets)
        await self.device.send_sync_command(hci.HCI_LE_Set_Extended_Advertising_Enable_Command(int(on), sets, zero, zero))

    async def blink(self):
        while True:
            await asyncio.sleep(BLINK)
            async with self.air:
                if self.advertising and self.connection is None:
                    try:
                        await self.enable_sets(False, SETS[1])
                        await self.enable_sets(True, SETS[1])
                    except hci.HCI_Error:
                        pass  # A link was made in between, and has ended both.

    def struck(self, words, request=None):
        """The first fault of these that strikes this occasion; all of them count it."""
        struck = [
            fault for fault in self.faults
            if fault.word in words and fault.is_when_reading == (request is not None)
            and (request is None or fault.concerns(request)) and fault.strikes()
        ]
        return struck[0] if struck else None

    # What happens to it.

    async def link_with(self, device):
        """A link that is nobody's business, so that its number is taken: before anybody listens."""
        made = asyncio.get_running_loop().create_future()
        self.device.once(Device.EVENT_CONNECTION, made.set_result)
        await self.become({"address": self.device.random_address.to_string(False)})
        await device.connect(hci.Address(self.address, hci.Address.RANDOM_DEVICE_ADDRESS), timeout=20)
        await made
        await self.advertise(False)

    def listen(self):
        self.device.on(Device.EVENT_CONNECTION, self.on_connection)

    def on_connection(self, connection):
        self.connection, self.linked_at, self.hold, self.was_asked = connection, time.monotonic(), 0.0, False
        self.say("linked", address=self.address)
        connection.on(connection.EVENT_DISCONNECTION, self.on_disconnection)
        fault = self.struck(LINK_FAULTS)
        if fault is None:
            return
        if fault.word == "drop_on_connect":
            asyncio.create_task(self.drop())
        elif fault.word == "services_late":
            self.hold = fault.fields.get("ms", 5000) / 1000
        else:
            self.hold = float("inf")

    def on_disconnection(self, reason):
        self.connection = None
        self.say("link_closed", address=self.address, reason=reason)
        asyncio.create_task(self.go_on_or_off_the_air())

    async def drop(self):
        if self.connection:
            await self.connection.disconnect()

    def on_first_request(self, connection):
        if not self.was_asked:
            self.was_asked = True
            self.misbehave(connection, self.struck(PROTOCOL_FAULTS))

    def misbehave(self, connection, fault):
        if fault is None or fault.word not in PROTOCOL_FAULTS:
            return
        handle, mtu = self.notify.handle.to_bytes(2, "little"), connection.att_mtu
        own = self.device.gatt_server.max_mtu.to_bytes(2, "little")
        connection.send_l2cap_pdu(att.ATT_CID, {
            "peer_mtu": b"\x02" + own,
            "stray_response": b"\x03" + own,
            "indication": b"\x1d" + handle + b"\x00\x00",
            "unknown_opcode": b"\x3f\x00",
            "long_pdu": b"\x1b" + handle + bytes(mtu - 3 + 10),
        }[fault.word])

    def on_subscribe(self, value):
        on = bool(value[0] & 1)
        fault = self.struck(NOTIFY_FAULTS) if on else None
        if fault and fault.word == "needs_pairing":
            raise att.ATT_Error(att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR)
        if fault and fault.word == "notify_refused":
            raise att.ATT_Error(att.ATT_UNLIKELY_ERROR_ERROR)
        self.say("notify_on" if on else "notify_off", address=self.address)
        if fault:
            asyncio.create_task(self.drop())

    async def on_request(self, connection, frame):
        self.requests += 1
        n = self.requests
        self.say("request", address=self.address, n=n, hex=frame.hex())
        fault = self.struck(REQUEST_FAULTS | PROTOCOL_FAULTS, frame)
        self.misbehave(connection, fault)
        word, fields = (fault.word, fault.fields) if fault else ("", {})
        reply = self.registers.answer(frame)
        if word == "drop_link":
            asyncio.create_task(self.drop())
            return
        if reply is None or word == "silent":
            self.say("silence", address=self.address, n=n)
            return
        if word in ("slow", "late_reply"):
            await asyncio.sleep(fields.get("ms", 1500 if word == "slow" else 12000) / 1000)
        elif word == "wrong_crc":
            reply = reply[:-1] + bytes([reply[-1] ^ 0xFF])
        elif word == "wrong_id":
            body = bytes([reply[0] ^ 0x01]) + reply[1:-2]
            reply = body + crc16(body)
        elif word == "truncated":
            reply = reply[: len(reply) // 2]
        elif word == "exception":
            body = bytes([frame[0], frame[1] | 0x80, fields.get("code", 4)])
            reply = body + crc16(body)
        elif word == "noise":
            reply = bytes.fromhex(fields.get("bytes", "00ff13")) + reply
        if self.connection is not connection:
            return
        size = connection.att_mtu - 3
        pieces = [reply[at : at + size] for at in range(0, len(reply), size)]
        for piece in pieces:
            await self.device.notify_subscriber(connection, self.notify, piece)
        self.say("reply", address=self.address, n=n, fragments=[piece.hex() for piece in pieces])

    async def obey(self, command):
        do = command.pop("do")
        if do == "module":
            await self.become(command)
        elif do == "faults":
            self.faults = [Fault(fault) for fault in command["faults"]]
        elif do == "advertise":
            await self.advertise(command["on"])
        elif do == "name":
            self.name = command["name"]
            await self.go_on_or_off_the_air()
        elif do == "gatt":
            self.make_services(command["gatt"])
        elif do == "drop":
            await self.drop()
        elif do == "state":
            linked = [self.address] if self.connection else []
            subscribed = bool(linked) and any(
                value[0] & 1 for value in self.device.gatt_server.subscribers.get(self.connection, {}).values())
            self.say("state", links=linked, notifying=linked if subscribed else [], advertising=self.advertising)
            return
        else:
            raise ValueError(f"'{do}' is not a known command")
        self.say("did", do=do)


class Steering:
    """A module's socket: commands in, journal and answers out."""

    def __init__(self, module):
        self.module, self.start, self.listeners, self.one, self.asking = module, time.monotonic(), set(), asyncio.Lock(), None
        module.say = self.say

    def say(self, saw, **fields):
        line = json.dumps(
            {"t_ms": int((time.monotonic() - self.start) * 1000), "saw": saw, **fields}, separators=(",", ":")) + "\n"
        # Answers are for who asked; what happens is for all.
        for writer in [self.asking] if saw in ("did", "state", "error") else self.listeners:
            writer.write(line.encode())

    async def serve(self, path):
        if os.path.exists(path):
            os.unlink(path)
        await asyncio.start_unix_server(self.converse, path)

    async def converse(self, reader, writer):
        self.listeners.add(writer)
        try:
            while line := await reader.readline():
                async with self.one:
                    self.asking = writer
                    try:
                        await self.module.obey(json.loads(line))
                    except Exception as error:  # A wrong command is answered; the module goes on.
                        self.say("error", text=f"{type(error).__name__}: {error}")
        except ConnectionError:
            pass
        finally:
            self.listeners.discard(writer)
            writer.close()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hci", required=True, action="append", help="number of a controller, which must be down; may be repeated")
    parser.add_argument("--socket", required=True, action="append", help="of the module on it, in the same order")
    parser.add_argument("--spare", help="number of one more controller, with three modules")
    parser.add_argument("--registers", required=True)
    arguments = parser.parse_args()

    registers, modules, running = Registers(arguments.registers), [], []

    async def device_on(number):
        transport = await open_transport(f"hci-socket:{number}")
        device = SteeredDevice(address=hci.Address(f"C0:00:00:00:00:{int(number):02X}", hci.Address.RANDOM_DEVICE_ADDRESS),
                               host=Host(transport.source, transport.sink))
        device.pairing_config_factory = lambda connection: PairingConfig(delegate=Unwilling())
        await device.power_on()
        running.append(asyncio.create_task(transport.source.wait_for_termination()))
        return device

    for number in arguments.hci:
        modules.append(Module(await device_on(number), registers))
        running.append(asyncio.create_task(modules[-1].blink()))
    if arguments.spare:
        # btvirt 5.66 hands a packet on under the sender's number of the link, so that only links with the same number at both ends
        # work. A controller gives the lowest number that is free: the second module's shall be its second, the third's its third.
        # So modules must be linked in their order, each while the ones before it are.
        spare = await device_on(arguments.spare)
        await modules[1].link_with(modules[2].device)
        await modules[2].link_with(spare)
    for module, path in zip(modules, arguments.socket, strict=True):
        module.listen()
        await Steering(module).serve(path)
    print("ready", flush=True)
    await asyncio.wait(running, return_when="FIRST_COMPLETED")
    sys.exit("a controller is gone")


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())
