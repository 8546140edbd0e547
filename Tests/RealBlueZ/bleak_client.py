#!/usr/bin/python3
"""The other side of the benchmark: one poll of the inverter's eleven blocks by bleak, as fast as it allows. No scan (the device is
known), no sleeps; requests one after another, each as soon as the last reply is whole. Prints the words, then disconnects."""

import asyncio
import json
import sys

from bleak import BleakClient
from bleak.backends.device import BLEDevice

BLOCKS = [
    (4000, 10), (4327, 7), (4311, 8), (4408, 6), (4109, 1), (4398, 4), (4405, 1), (4543, 4), (4554, 4), (4112, 9), (4319, 8),
]
WRITE = "0000ffd1-0000-1000-8000-00805f9b34fb"
NOTIFY = "0000fff1-0000-1000-8000-00805f9b34fb"


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


async def main(address):
    path = f"/org/bluez/hci0/dev_{address.replace(':', '_')}"
    buffer, whole, length = bytearray(), asyncio.Event(), 0

    def heard(_, piece):
        buffer.extend(piece)
        if len(buffer) >= length:
            whole.set()

    async with BleakClient(BLEDevice(address, None, {"path": path, "props": {}})) as client:
        await client.start_notify(NOTIFY, heard)
        words = {}
        for first, count in BLOCKS:
            buffer.clear()
            whole.clear()
            length = 5 + 2 * count
            body = bytes([32, 3]) + first.to_bytes(2, "big") + count.to_bytes(2, "big")
            await client.write_gatt_char(WRITE, body + crc16(body), response=False)
            await asyncio.wait_for(whole.wait(), 4)
            reply = bytes(buffer)
            if crc16(reply[:-2]) != reply[-2:] or reply[:3] != bytes([32, 3, 2 * count]):
                sys.exit(f"a bad reply: {reply.hex()}")
            words[first] = [int.from_bytes(reply[at : at + 2], "big") for at in range(3, 3 + 2 * count, 2)]
        print(json.dumps({"readings": words}), flush=True)


asyncio.run(main(sys.argv[1]))
