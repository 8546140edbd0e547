#!/usr/bin/python3
"""`blupow poll` by both its links against a bleak client, in turn, on the same module and bluetoothd. Runs in the virtual machine (see `run`), where
everything is emulated: only the ratios mean something. Fails where a poll fails; the aims are reported, not enforced."""

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
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += [int(child) for child in file.read().split()]
    return [pid] + [below for child in children for below in descendants(child)]


def peak_kib(pid):
    """The most memory that it and its children each had so far, added up."""
    total = 0
    for process in descendants(pid):
        with open(f"/proc/{process}/status") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return total


def is_right(output):
    """Whether a client's output is the module's: the words of the register file, or the table made of them."""
    if not output.startswith("{"):
        return "Inverter: connected" in output and "51.2" in output and "113.5" in output
    with open(f"{HERE}/registers.json") as file:
        expected = {first: [int(word, 16) for word in words.split()] for first, words in json.load(file)["32"].items()}
    return json.loads(output)["readings"] == expected


def settle():
    """Each starts from the same: no link. The kernel keeps one for two seconds after its last user."""
    for _ in range(100):
        words = ["busctl", "get-property", "org.bluez", PATH, "org.bluez.Device1", "Connected"]
        if "true" not in subprocess.run(words, capture_output=True, text=True).stdout:
            return
        time.sleep(0.2)
    sys.exit("the link does not fall")


def measure(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    # Unbuffered: what readline reads ahead, communicate would not see.
    child = subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    first = child.stdout.readline()
    readings = time.monotonic() - start
    memory = peak_kib(child.pid)
    rest, errors = child.communicate()
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode != 0 or not is_right((first + rest).decode()):
        sys.exit(f"{command[0]} failed with {child.returncode}: {(first + rest + errors).decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"launch to readings s": readings, "wall s": wall, "cpu s": cpu, "memory peak, read MiB": memory / 1024}


def messages(command, environment):
    """What passes over the bus in one poll."""
    settle()
    monitor = subprocess.Popen(["dbus-monitor", "--system", "--profile"], stdout=subprocess.PIPE, text=True)
    for line in monitor.stdout:  # its own start is over when it is told that it monitors
        if "NameLost" in line:
            break
    measure(command, environment)
    # A call that ends the count: whatever came before it has been seen.
    subprocess.run(["busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId"])
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
    clients = {
        "bleak": ([sys.executable, f"{HERE}/bleak_client.py", ADDRESS], environment | {"PYTHONPATH": os.environ["PYTHONPATH"]}),
        "bluez": ([f"{PROGRAMS}/blupow", "poll", "--link", "bluez"], environment),
        "kernel": ([f"{PROGRAMS}/blupow", "poll", "--link", "kernel"], environment),
    }
    make_known()
    figures = {name: [] for name in clients}
    for number in range(ROUNDS + 1):
        for name, (command, own) in clients.items():
            settle()
            figure = measure(command, own)
            if number > 0:  # the first round warms the caches
                figures[name].append(figure)
    print(f"\nbenchmark: {ROUNDS} polls each, in turn; medians (and the worst)")
    for what in figures["bleak"][0]:
        row = {name: statistics.median(figure[what] for figure in list_) for name, list_ in figures.items()}
        worst = {name: max(figure[what] for figure in list_) for name, list_ in figures.items()}
        told = "  ".join(
            f"{name} {row[name]:.3f} ({worst[name]:.3f}; {row[name] / row['bleak']:.3f} of bleak's)" for name in clients)
        print(f"{what:22} {told}", flush=True)
    counts = {name: messages(*client) for name, client in clients.items()}
    told = "  ".join(f"{name} {count} ({count / counts['bleak']:.3f} of bleak's)" for name, count in counts.items())
    print(f"{'D-Bus messages a poll':22} {told}")
    print("aims for bluez: launch to readings 0.7, cpu 0.1, memory 0.5; for kernel: 0.15, wall 0.15, cpu 0.05, memory 0.5")
    busctl("/org/bluez/hci0", "org.bluez.Adapter1", "RemoveDevice", "o", PATH)


main()
