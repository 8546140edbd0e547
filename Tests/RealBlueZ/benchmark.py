#!/usr/bin/python3
"""`blupow poll` and its worker alone, by both links, against a bleak client, in turn, on the same module and bluetoothd. Runs in the virtual machine
(see `run`), where everything is emulated: only the ratios mean something. Fails where a poll fails; the aims are reported, not enforced."""

import collections
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

ROUNDS = 8
ADDRESS = "D8:B6:73:BE:4C:01"
PATH = f"/org/bluez/hci0/dev_{ADDRESS.replace(':', '_')}"
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.environ["BLUPOW_TEST_PROGRAMS"]
CONFIG = "/run/blupow-benchmark.yaml"


Client = collections.namedtuple("Client", "command environment")


def tell(command):
    with socket.socket(socket.AF_UNIX) as peripheral:
        peripheral.connect(os.environ["BLUPOW_REAL_BLUEZ"])
        peripheral.sendall((json.dumps(command) + "\n").encode())
        for line in peripheral.makefile():
            if json.loads(line)["saw"] in ("did", "error", "state"):
                return json.loads(line)


def busctl(*words):
    return subprocess.run(["busctl", "call", "org.bluez", *words], capture_output=True, text=True)


def make_known():
    """bluetoothd knows the module and its services, as it does of any module that is polled."""
    tell({"do": "module", "address": ADDRESS})
    # The discovery belongs to its client: one that stays until the module is listed.
    scan = subprocess.Popen([f"{PROGRAMS}/blupow-worker", "scan", "--for", "6s"], stdout=subprocess.PIPE, text=True)
    if not any(ADDRESS in line for line in scan.stdout):
        sys.exit("the module was not heard")
    scan.wait()


def descendants(pid):
    """It, and the processes below it that have become programs of their own: before that, a child is its parent's memory, shared."""
    program, children = os.readlink(f"/proc/{pid}/exe"), []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += [int(child) for child in file.read().split()]
    return [pid] + [
        below for child in children if os.readlink(f"/proc/{child}/exe") != program for below in descendants(child)]


def memory_kib(pid):
    """What it and its children hold now, added up: all of it, and what is theirs alone (the rest are pages of files, which are shared)."""
    resident = anonymous = 0
    for process in descendants(pid):
        with open(f"/proc/{process}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        resident += int(fields.get("VmRSS", "0 kB").split()[0])
        anonymous += int(fields.get("RssAnon", "0 kB").split()[0])
    return resident, anonymous


def is_right(output):
    """Whether a client's output is the module's: the words of the register file, or the table made of them."""
    if not output.startswith("{"):
        return "Inverter: connected" in output and "51.2" in output and "113.5" in output
    answer = next((line for line in map(json.loads, output.splitlines()) if "readings" in line), {"readings": {}})
    if "event" in answer:
        return answer["readings"].get("input_voltage") == {"value": 113.5, "unit": "V"} and len(answer["readings"]) == 32
    with open(f"{HERE}/registers.json") as file:
        expected = {first: [int(word, 16) for word in words.split()] for first, words in json.load(file)["models"]["RIV4835CSH1S"].items()}
    return answer["readings"] == expected


def settle():
    """Each starts from the same: no link. The kernel keeps one for two seconds after its last user."""
    for _ in range(100):
        words = ["busctl", "get-property", "org.bluez", PATH, "org.bluez.Device1", "Connected"]
        if "true" not in subprocess.run(words, capture_output=True, text=True).stdout:
            return
        time.sleep(0.2)
    sys.exit("the link does not fall")


def has_readings(output):
    """The worker says more than its readings, and before them."""
    return any(not line.startswith(b"{") or b'"readings"' in line for line in output.split(b"\n")[:-1])


def start(client):
    # Unbuffered: what is read ahead, communicate would not see.
    return subprocess.Popen(
        client.command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=client.environment)


def end(client, child, output=b""):
    rest, errors = child.communicate()
    if child.returncode != 0 or not is_right((output + rest).decode()):
        sys.exit(f"{client.command} failed with {child.returncode}: {(output + rest + errors).decode()}")


def measure(client):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    launch = time.monotonic()
    child = start(client)
    output = b""
    while not has_readings(output) and (piece := os.read(child.stdout.fileno(), 65536)):
        output += piece
    readings = time.monotonic() - launch
    end(client, child, output)
    wall = time.monotonic() - launch
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"launch to readings s": readings, "wall s": wall, "cpu s": cpu}


def weigh(client):
    """The most memory of one poll; apart from the others, for looking takes time."""
    settle()
    child = start(client)
    most = [0, 0]
    while child.poll() is None:
        try:
            most = [max(pair) for pair in zip(most, memory_kib(child.pid))]
        except (FileNotFoundError, ProcessLookupError):
            pass  # one of them ended meanwhile
    end(client, child)
    return {"memory at most MiB": most[0] / 1024, "of it its own MiB": most[1] / 1024}


def messages(client):
    """What passes over the bus in one poll."""
    settle()
    monitor = subprocess.Popen(["dbus-monitor", "--system", "--profile"], stdout=subprocess.PIPE, text=True)
    for line in monitor.stdout:  # its own start is over when it is told that it monitors
        if "NameLost" in line:
            break
    measure(client)
    # A call that ends the count: whatever came before it has been seen.
    subprocess.run(
        ["busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId"], capture_output=True)
    count = 0
    for line in monitor.stdout:
        if "GetId" in line:
            break
        count += 1
    monitor.kill()
    return count


def main():
    with open(CONFIG, "w") as file:
        file.write(f"devices:\n  - name: Inverter\n    address: {ADDRESS}\n    profile: inverter\n    unit: 32\n")
    os.chmod(CONFIG, 0o600)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BLUPOW_CONFIG": CONFIG, "XDG_RUNTIME_DIR": "/run/blupow-benchmark"}
    os.makedirs("/run/blupow-benchmark", mode=0o700, exist_ok=True)
    worker = [f"{PROGRAMS}/blupow-worker", "poll", "--address", ADDRESS, "--profile", "inverter", "--unit", "32"]
    clients = {
        "bleak": Client(
            [sys.executable, f"{HERE}/bleak_client.py", ADDRESS], environment | {"PYTHONPATH": os.environ["PYTHONPATH"]}),
        "bluez": Client([f"{PROGRAMS}/blupow", "poll", "--link", "bluez"], environment),
        "kernel": Client([f"{PROGRAMS}/blupow", "poll", "--link", "kernel"], environment),
        "worker, bluez": Client([*worker, "--link", "bluez"], environment),
        "worker, kernel": Client([*worker, "--link", "kernel"], environment),
    }

    def tell_of(what, row, worst=None):
        for name, figure in row.items():
            most = f" (at most {worst[name]:.3f})" if worst else ""
            print(f"{what:22} {name:14} {figure:7.3f}  {figure / row['bleak']:.3f} of bleak's{most}", flush=True)

    make_known()
    figures = {name: [] for name in clients}
    for number in range(ROUNDS + 1):
        for name, client in clients.items():
            settle()
            figure = measure(client)
            if number > 0:  # the first round warms the caches
                figures[name].append(figure)
    print(f"\nbenchmark: {ROUNDS} polls each, in turn; medians")
    for what in figures["bleak"][0]:
        by_name = {name: [figure[what] for figure in list_] for name, list_ in figures.items()}
        tell_of(
            what, {name: statistics.median(list_) for name, list_ in by_name.items()},
            {name: max(list_) for name, list_ in by_name.items()})
    weights = {name: weigh(client) for name, client in clients.items()}
    for what in weights["bleak"]:
        tell_of(what, {name: weight[what] for name, weight in weights.items()})
    tell_of("D-Bus messages", {name: messages(client) for name, client in clients.items()})
    print("aims for bluez: launch to readings 0.7, cpu 0.1, memory 0.5; for kernel: 0.15, wall 0.15, cpu 0.05, memory 0.5")
    busctl("/org/bluez/hci0", "org.bluez.Adapter1", "RemoveDevice", "o", PATH)


main()
