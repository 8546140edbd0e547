"""The page in a real Chromium, beside what the API and the history say. Its one argument: where the pictures go. Exit code: as ./run."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, async_playwright

sys.path.append(str(Path(__file__).resolve().parents[1] / "RealHomeAssistant"))
from fleet import BIN, INVERTER, Device, Simulation  # noqa: E402
from programs import Program, Trouble, disagreement, free_port, until  # noqa: E402

HOSTILE = Device('Roof <img src=x onerror="document.title=1">&amp;', "D8:B6:73:BF:4F:80", "controller", "RNG-CTRL-RVR40")
STALE = Device("Alternator", "D8:B6:73:BF:4F:81", "dcdc", "RBC50D1S-G1")
NEVER = Device("Battery", "D8:B6:73:BF:4F:82", "battery", "", 48)
# As history-writer has its first one.
METER = Device("Shunt", "D8:B6:73:BF:4F:70", "shunt300", "RTMShunt300", advertised="RTMShunt300123456")
TESTED = Device("Bench", "D8:B6:73:BF:4F:84", "controller", "RNG-CTRL-WND30", is_marked_simulated=True)
SIMULATED = (INVERTER, HOSTILE, STALE, METER, TESTED)
TOKEN = "a-token-of-the-test's-own"

# What the page shows of each device, by its name.
CARDS = """() => Object.fromEntries([...document.querySelectorAll('#devices article')].map(card => [card.querySelector('h3').textContent, {
  old: card.classList.contains('old'), word: card.querySelector('.word').textContent, age: card.querySelector('.age').textContent,
  simulated: !card.querySelector('.badge').hidden,
  readings: Object.fromEntries([...card.querySelectorAll('dl > div')].map(row => [row.querySelector('dt').textContent, row.querySelector('dd').firstChild.data])),
}]))"""
STATUS = "async () => (await fetch('/api/status')).json()"


class Checks:
    def __init__(self) -> None:
        self.failures = 0

    def check(self, what: str, wrong: Iterable[str]) -> None:
        """One line; well where nothing is wrong."""
        found = list(wrong)
        self.failures += bool(found)
        print(f"FAILED {what}: {'; '.join(found[:8])}" if found else f"ok     {what}", flush=True)

    async def agrees(self, what: str, look: Callable[[], Awaitable[list[str]]], within: float = 20) -> None:
        """As soon as nothing is wrong any more; what is still wrong after that time is the finding."""
        self.check(what, await disagreement(what, look, within))


class Tab:
    """A page of its own, and all that it said and asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda line: self.complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(url) else self.foreign.append(request.url))

    @classmethod
    async def open(cls, browser: Browser, url: str, **options: Any) -> "Tab":
        options = {"viewport": {"width": 1100, "height": 900}, "locale": "en-US", "timezone_id": "UTC"} | options
        tab = cls(await (await browser.new_context(**options)).new_page(), url)
        await tab.page.goto(url)
        return tab

    async def is_drawn(self) -> None:
        await self.page.wait_for_selector("#curves figure", timeout=90_000)
        await self.page.wait_for_selector("#links figure", timeout=30_000)
        await self.page.wait_for_selector("#events li", timeout=30_000)

    async def close(self) -> None:
        await self.page.context.close()


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def plain(value: float | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.6f}".rstrip("0").rstrip(".")


def titled(key: str) -> str:
    return re.sub(r" id\b", " ID", re.sub(r" soc\b", " SOC", (key[0].upper() + key[1:]).replace("_", " ")))


def expected_readings(device: dict[str, Any]) -> dict[str, str]:
    shown = {titled(key): plain(one["value"]) + (f" {one['unit']}" if one["unit"] else "") for key, one in device["readings"].items()}
    return shown | {titled(key): "–" for key in device["implausible"] if key not in device["readings"]}


async def shows_what_the_api_says(tab: Tab) -> list[str]:
    status = await tab.page.evaluate(STATUS)
    cards = await tab.page.evaluate(CARDS)
    wrong = [f"cards of {sorted(cards)}"] if sorted(cards) != sorted(one["name"] for one in status["devices"]) else []
    for device in status["devices"]:
        card, expected = cards.get(device["name"], {}), expected_readings(device)
        if card.get("readings") != expected:
            differing = {key: (card.get("readings", {}).get(key), value) for key, value in expected.items() if card.get("readings", {}).get(key) != value}
            wrong.append(f"{device['name']}: {differing or 'more than the API says'}")
        if card.get("simulated") != device["test_mode"]:
            wrong.append(f"{device['name']}: SIMULATED is {card.get('simulated')}")
    return wrong


async def is_accessible(checks: Checks, tab: Tab, name: str) -> None:
    found = await Axe().run(tab.page)
    checks.check(f"{name}: axe-core has nothing to say", [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found.response["violations"]])


async def fits(checks: Checks, tab: Tab, name: str) -> None:
    """No scrolling sideways, whatever the width."""
    width, own, wide = await tab.page.evaluate("""() => [document.documentElement.scrollWidth, innerWidth,
      [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table')).map(e => e.className + ' ' + e.textContent.slice(0, 40))]""")
    checks.check(f"{name}: fits {own} pixels", ([f"{width} pixels wide"] if width > own else []) + wide)


# What is checked of each tab


async def check_live(checks: Checks, tab: Tab) -> None:
    await tab.page.evaluate("window.marker = 'the same document'")
    before = await tab.page.text_content("#about")
    ages = "() => [...document.querySelectorAll('#devices .age')].map(age => age.textContent).join()"
    shunt = f"() => JSON.stringify(({CARDS})()[{json.dumps(METER.name)}].readings)"
    first_age, first = await tab.page.evaluate(ages), await tab.page.evaluate(shunt)
    await tab.page.wait_for_function(f"before => ({shunt})() !== before", arg=first, timeout=40_000)
    await tab.page.wait_for_function(f"before => ({ages})() !== before", arg=first_age, timeout=10_000)
    checks.check("live: readings and ages change in the same document", [
        *([] if await tab.page.evaluate("window.marker") else ["it was loaded again"]),
        *([] if before != await tab.page.text_content("#about") else ["its uptime stands still"]),
    ])


async def check_keyboard(checks: Checks, tab: Tab) -> None:
    """Everything that can be focused, in the document's order, and back out; each is seen to have the focus."""
    page = tab.page
    await page.evaluate("document.activeElement.blur()")
    visited: list[Any] = await page.evaluate("window.visited = []")
    wrong: list[str] = []
    for _ in range(400):
        await page.keyboard.press("Tab")
        step = await page.evaluate("""() => {
          const node = document.activeElement;
          if (node === document.body || window.visited.includes(node)) return null;
          const last = window.visited.at(-1);
          window.visited.push(node);
          const style = getComputedStyle(node);
          return { what: `${node.tagName} ${node.id} ${node.textContent.slice(0, 30)}`, outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
            after: !last || Boolean(last.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING) };
        }""")
        if step is None:
            break
        visited.append(step["what"])
        if not step["outline"]:
            wrong.append(f"{step['what']} has no outline")
        if not step["after"]:
            wrong.append(f"{step['what']} is out of order")
    missed = await page.evaluate("""() => [...document.querySelectorAll('a[href], button, input:checked, select, summary, [tabindex="0"]')]
      .filter(node => node.checkVisibility() && !window.visited.includes(node)).map(node => node.tagName + node.className)""")
    checks.check(f"keyboard: {len(visited)} stops, in order, each to be seen", wrong + [f"{one} is not reached" for one in missed]
                 + ([] if visited and visited[0].startswith("A  Skip") else [f"first {visited[:1]}"]))

    plot = page.get_by_role("slider", name=f"of {METER.name}").first
    await plot.focus()
    await page.keyboard.press("Home")
    first = await plot.get_attribute("aria-valuetext")
    await page.keyboard.press("ArrowRight")
    second = await plot.get_attribute("aria-valuetext")
    readout = await plot.evaluate("plot => plot.closest('figure').querySelector('.readout').textContent")
    checks.check("keyboard: arrows walk a curve, in words too", [f"{first} then {second}, shown {readout}"] if first == second or second != readout else [])
    await page.focus(".skip")
    await page.keyboard.press("Enter")
    checks.check("keyboard: the first stop skips to the readings", [] if await page.evaluate("document.activeElement.id") == "now" else ["it does not"])


async def check_curves(checks: Checks, tab: Tab, recorded: Callable[[str], list[dict[str, Any]]]) -> None:
    """Of each span the tables and lines against the answer that they were drawn from, and that against the polls in the database."""
    page = tab.page
    await page.select_option("#curves-of", label=METER.name)
    for span, since in (("month", "30d"), ("day", "24h"), ("hour", "1h")):
        async with page.expect_response(lambda answer: "/api/history?" in answer.url and f"since={since}" in answer.url) as waiting:
            await page.check(f"input[value={span}]")
        answer = await (await waiting.value).json()
        await page.wait_for_function(
            "([count, span]) => document.querySelectorAll('#curves figure').length === count && document.querySelector('#curves .plot').getAttribute('aria-label').includes(span)",
            arg=[len(answer["curves"]), span])
        wrong = [word for index, curve in enumerate(answer["curves"]) for word in await differs_from_answer(page.locator("#curves figure").nth(index), answer, curve)]
        checks.check(f"curves of the {span}: {len(answer['curves'])} tables and lines are what /api/history says", wrong + ([] if answer["curves"] else ["there is none"]))
        polls = recorded(METER.name)
        wrong = [word for curve in answer["curves"] for word in differs_from_polls(answer, curve, polls)]
        points = sum(len(curve["points"]) for curve in answer["curves"])
        checks.check(f"curves of the {span}: {points} points are what the database's {len(polls)} polls come to", wrong)


async def differs_from_answer(figure: Locator, answer: dict[str, Any], curve: dict[str, Any]) -> list[str]:
    wrong, points = [], curve["points"]
    details = figure.locator("details")
    if await details.get_attribute("open") is None:
        await figure.locator("summary").click()
    rows = await figure.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.children].slice(1).map(cell => cell.textContent))")
    # As JavaScript rounds, to the nearest thousandth: the other way at a half is no mistake.
    expected = [[plain(one["min"]), one["mean"], plain(one["max"]), plain(one["count"])] for one in reversed(points)]
    alike = len(rows) == len(expected) and all(
        [row[0], *row[2:]] == [one[0], *one[2:]] and abs(float(row[1]) - one[1]) <= .000501 for row, one in zip(rows, expected))
    if not alike or not points:
        wrong.append(f"{curve['key']}: the table has {rows[:2]}, the API {expected[:2]}")
    drawn = [(float(x), float(y)) for path in await figure.locator(".mean").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
             for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    if len(drawn) != len(points):
        return [*wrong, f"{curve['key']}: {len(drawn)} points are drawn of {len(points)}"]
    times = [instant(one["at"]) for one in points]
    runs = 1 + sum(later - earlier > answer["gap_s"] for earlier, later in zip(times, times[1:]))
    if (lines := await figure.locator(".mean").count()) != runs:
        wrong.append(f"{curve['key']}: {lines} lines, {runs} without a gap")
    start, end = instant(answer["from"]), instant(answer["to"])
    wrong += [f"{curve['key']}: {time} is at {x}" for time, (x, _) in zip(times, drawn) if abs(x - 1000 * (time - start) / (end - start)) > .1]
    # A straight scale, upside down: whatever its ends, shares of the way from the lowest to the highest are the same.
    means, ys = [one["mean"] for one in points], [y for _, y in drawn]
    low, high = means.index(min(means)), means.index(max(means))
    if means[high] > means[low]:
        wrong += [f"{curve['key']}: {mean} is at {y}" for mean, y in zip(means, ys)
                  if abs(ys[low] + (mean - means[low]) / (means[high] - means[low]) * (ys[high] - ys[low]) - y) > .11]
        wrong += [f"{curve['key']} is upside down"] if ys[high] >= ys[low] else []
    return wrong


def differs_from_polls(answer: dict[str, Any], curve: dict[str, Any], polls: list[dict[str, Any]]) -> list[str]:
    wrong, width, quarter = [], answer["width_s"], 900
    values = [(instant(poll["time"]), poll["readings"][curve["key"]]["value"]) for poll in polls if curve["key"] in poll["readings"]]
    times = [time for time, _ in values]
    # Spans of quarters begin where a quarter does; of each there is the mean with two more digits than the numbers have.
    is_of_quarters = width % quarter == 0
    base = instant(answer["from"]) // quarter * quarter if is_of_quarters else instant(answer["from"])
    for point in curve["points"]:
        at = instant(point["at"])
        end = base + ((at - base + .0005) // width + 1) * width
        within = [value for _, value in values[bisect_left(times, at - .0005):bisect_left(times, end - .0005)]]
        if point is curve["points"][-1]:
            # What was written since is not in the answer yet.
            within = within[:point["count"]]
        digits = max((len(plain(value).partition(".")[2]) for value in within), default=0)
        finest = .5001 * 10 ** -(digits + 2) if is_of_quarters else 1e-6 * max(1, abs(point["mean"]))
        found = (len(within), min(within, default=None), max(within, default=None))
        if found != (point["count"], point["min"], point["max"]) or abs(sum(within) / len(within) - point["mean"]) > finest:
            wrong.append(f"{curve['key']}: {point}, the database {found}, mean {sum(within) / max(1, len(within))}")
    return wrong


async def check_lost(checks: Checks, tab: Tab, service: "Service", pictures: Path) -> None:
    page = tab.page
    await service.kill()
    await page.wait_for_selector("#lost:not([hidden])", timeout=30_000)
    banner = await page.text_content("#lost") or ""
    words = {name: card["word"] for name, card in (await page.evaluate(CARDS)).items()}
    age = f"() => ({CARDS})()[{json.dumps(METER.name)}].age"
    first = await page.evaluate(age)
    await page.wait_for_function(f"before => ({age})() !== before", arg=first, timeout=10_000)
    await page.screenshot(path=pictures / "lost.png")
    checks.check("lost: it says so and since when, and ages go on", [
        *([] if "since" in banner else [banner]), *(f"{name} is shown as {word}" for name, word in words.items() if not word.startswith("was ")),
    ])
    await service.start()
    await page.wait_for_selector("#lost", state="hidden", timeout=60_000)
    await checks.agrees("lost: it comes back by itself, with new numbers", lambda: shows_what_the_api_says(tab))
    # That nobody listened is the browser's to say, and no mistake of the page.
    checks.check("lost: no other complaint", [one for one in tab.complaints if "net::ERR_" not in one])


class Service:
    """`blupow run` of these devices, served on loopback."""

    def __init__(self, directory: Path, simulation: Simulation, token: str | None = None) -> None:
        self._directory = directory
        self._simulation = simulation
        self._port = free_port()
        self._token = token
        self._program: Program | None = None
        self.url = f"http://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        entries = [
            {"name": one.name, "address": one.address, "profile": one.profile}
            | ({} if one.unit is None else {"unit": one.unit}) | ({"test_mode": True} if one.is_marked_simulated else {})
            for one in (*SIMULATED, NEVER)
        ]
        state = self._directory / "state"
        state.mkdir(exist_ok=True)
        http = {"listen": f"127.0.0.1:{self._port}"}
        if self._token:
            secret = self._directory / "token"
            secret.write_text(self._token + "\n")
            http["token_file"] = str(secret)
        configuration = {
            "gateway": "cabin", "interval": "1s", "timeout": "10s", "cache_for": "1s", "grace": "10m", "backoff_longest": "5s",
            "state_dir": str(state), "devices": entries, "http": http,
        }
        # JSON is YAML.
        (self._directory / "blupow.yaml").write_text(json.dumps(configuration))
        self._program = await Program.start(
            "blupow run", str(BIN / "blupow"), "run", "--config", str(self._directory / "blupow.yaml"), log=self._directory / "blupow.log",
            environment=self._simulation.environment | {"BLUPOW_MIN_INTERVAL": "1s"},
        )
        await until("the page to be served", self._serves)

    async def _serves(self) -> bool:
        try:
            fetch(self.url + "api/status")
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    def device(self, one: Device) -> dict[str, Any]:
        return next(device for device in fetch(self.url + "api/status")["devices"] if device["name"] == one.name)

    def write_past(self, days: int) -> None:
        """So many days of polls, the last of them two hours ago, of devices of which one has the meter's address."""
        state = self._directory / "state"
        state.mkdir()
        began = int((time.time() - 7200) // 900 * 900 - days * 86_400) * 1000
        transcripts = Path(__file__).resolve().parents[1] / "Transcripts"
        subprocess.run([BIN / "history-writer", "days", state, str(days), transcripts, str(began)], check=True, stdout=subprocess.DEVNULL)

    async def has_written(self) -> bool:
        return bool(fetch(self.url + f"api/polls?device={METER.name}&since=1h")["polls"])

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """What `blupow history` prints of a device, poll by poll."""
        printed = subprocess.run(
            [BIN / "blupow", "history", name, "--since", "31d", "--json", "--config", self._directory / "blupow.yaml"], check=True, capture_output=True,
            text=True, env=os.environ | self._simulation.environment,
        ).stdout
        return [json.loads(line) for line in printed.splitlines()]

    async def end(self) -> None:
        if self._program:
            await self._program.end()
            self._program = None

    async def kill(self) -> None:
        assert self._program is not None
        await self._program.end(SIGKILL)
        self._program = None


# Scenes


async def of_a_service(checks: Checks, browser: Browser, directory: Path, pictures: Path) -> None:
    simulation = Simulation(directory)
    service = Service(directory, simulation)
    try:
        service.write_past(8)
        await simulation.start(SIMULATED)
        await service.start()

        async def all_read() -> bool:
            return all(service.device(one)["status"] == "connected" for one in SIMULATED)

        await until("every simulated device to be read", all_read, within=60)
        await simulation.faults(STALE, {"fault": "silent"})
        light = await Tab.open(browser, service.url)
        await checks.agrees("numbers are those of /api/status", lambda: shows_what_the_api_says(light))
        await check_live(checks, light)
        await light.is_drawn()

        async def is_stale() -> bool:
            device = service.device(STALE)
            return device["available"] and device["status"] == "disconnected"

        await until("a device to be stale", is_stale, within=120)
        await light.page.wait_for_function(f"() => ({CARDS})()[{json.dumps(STALE.name)}].word.includes('stale')", timeout=10_000)
        cards = await light.page.evaluate(CARDS)
        stale, never, roof = (cards[one.name] for one in (STALE, NEVER, HOSTILE))
        checks.check("a stale device is hatched and says how old it is", [] if stale["old"] and "last read" in stale["age"] and stale["readings"] else [f"{stale}"])
        checks.check("one that was never read says so, and has no number", [] if never["word"] == "never read" and never["old"] and not never["readings"] else [f"{never}"])
        checks.check("a hostile name is text", [] if roof["word"] == "connected" and await light.page.locator("main img").count() == 0 else [f"{roof}"])
        alternator = await light.page.text_content("#flow-alternator")
        checks.check("the flow's stale tile says so", [] if "last read" in (alternator or "") else [f"{alternator}"])
        checks.check("what is simulated is in no sum beside what is measured", await light.page.evaluate("""() => ['solar', 'load', 'battery']
          .map(id => document.getElementById(`flow-${id}`)?.textContent ?? `no ${id}`).filter(text => text.startsWith('no ') || text.includes('Bench'))"""))
        await light.page.select_option("#curves-of", label=NEVER.name)
        await light.page.wait_for_function("() => document.querySelector('#curves-note').textContent.startsWith('Nothing is written')", timeout=20_000)
        checks.check("of one that was never read, nothing is written, and that is what it says", [])
        banner = await light.page.text_content("#simulated") or ""
        checks.check("SIMULATED stands on top, with the name", [] if "SIMULATED" in banner and TESTED.name in banner and METER.name not in banner else [banner])
        await until("the first polls to be written down", service.has_written, within=120)
        await check_curves(checks, light, service.recorded)
        await is_accessible(checks, light, "light")
        keys = await Tab.open(browser, service.url)
        await keys.is_drawn()
        await keys.page.check("input[value=month]")
        await keys.page.select_option("#curves-of", label=METER.name)
        await keys.page.wait_for_function("() => document.querySelector('#curves .plot').getAttribute('aria-label').includes('month')")
        await keys.page.screenshot(path=pictures / "month.png", full_page=True)
        await keys.page.reload()
        await keys.is_drawn()
        await check_keyboard(checks, keys)
        await keys.close()
        await light.page.check("input[value=day]")
        await light.page.select_option("#curves-of", value="")
        await light.page.wait_for_function("() => document.querySelectorAll('#curves figure').length > 6")
        await light.page.evaluate("scrollTo(0, 0)")
        await light.page.screenshot(path=pictures / "light.png", full_page=True)
        checks.check("light: no complaint on the console", light.complaints)

        dark = await Tab.open(browser, service.url, color_scheme="dark", reduced_motion="reduce")
        await dark.is_drawn()
        await dark.page.screenshot(path=pictures / "dark.png", full_page=True)
        await is_accessible(checks, dark, "dark")
        look = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.wire.flows .run')).animationName]"
        background, motion = await dark.page.evaluate(look)
        lit, moving = await light.page.evaluate(look)
        checks.check("dark is dark, and nothing moves for who does not want it", [] if background != lit and (motion, moving) == ("none", "run") else [f"{background}, {lit}, {motion}, {moving}"])
        phone = await Tab.open(browser, service.url, viewport={"width": 320, "height": 640}, device_scale_factor=2, color_scheme="dark", is_mobile=True, has_touch=True)
        await phone.is_drawn()
        await phone.page.screenshot(path=pictures / "phone.png", full_page=True)
        await fits(checks, phone, "phone")
        await is_accessible(checks, phone, "phone")
        await phone.page.evaluate("document.styleSheets[0].insertRule('html { font-size: 200% }')")
        await fits(checks, phone, "phone with letters twice as large")
        await phone.page.screenshot(path=pictures / "phone-large.png")
        for name, tab in {"light": light, "dark": dark, "phone": phone}.items():
            checks.check(f"{name}: nothing beyond the host was asked for", tab.foreign)
        for name, tab in {"dark": dark, "phone": phone}.items():
            checks.check(f"{name}: no complaint on the console", tab.complaints)
            await tab.close()
        await check_lost(checks, light, service, pictures)
        await light.close()
    finally:
        await service.end()
        await simulation.end()


async def behind_a_token(checks: Checks, browser: Browser, directory: Path, pictures: Path) -> None:
    simulation = Simulation(directory)
    service = Service(directory, simulation, TOKEN)
    try:
        await simulation.start(SIMULATED)
        await service.start()
        tab = await Tab.open(browser, service.url)
        await tab.page.fill("input[name=token]", TOKEN)
        await tab.page.screenshot(path=pictures / "token.png")
        await tab.page.click("button")
        await tab.page.wait_for_selector("#devices article", timeout=20_000)
        # The form itself is the answer to who may not yet.
        checks.check("behind a token: typed once, the page works", [one for one in tab.complaints if "401" not in one] + tab.foreign)
        await tab.close()
    finally:
        await service.end()
        await simulation.end()


async def of_the_demo(checks: Checks, browser: Browser, directory: Path, pictures: Path) -> None:
    log = directory / "demo.log"
    demo = await Program.start("blupow demo", str(BIN / "blupow"), "demo", log=log)
    try:
        async def printed() -> str:
            found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
            return found[0] if found else ""

        tab = await Tab.open(browser, await until("the demo's URL", printed))
        await tab.is_drawn()
        await checks.agrees("demo: numbers are those of /api/status", lambda: shows_what_the_api_says(tab))
        banner = await tab.page.text_content("#simulated")
        checks.check("demo: nothing here was measured", [] if banner == "SIMULATED: nothing here was measured." else [f"{banner}"])
        await is_accessible(checks, tab, "demo")
        await tab.page.screenshot(path=pictures / "demo.png", full_page=True)
        checks.check("demo: no complaint on the console, nothing beyond the host", tab.complaints + tab.foreign)
        await tab.close()
    finally:
        await demo.end()


async def main(pictures: Path) -> int:
    checks = Checks()
    async with async_playwright() as playwright:
        # Without a sandbox, which root has none of; it opens nothing but what is served here.
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scene in (of_the_demo, of_a_service, behind_a_token):
            # Short: sockets are in there, and their paths may have 107 bytes.
            directory = Path(tempfile.mkdtemp(prefix="blupow-page-", dir="/tmp"))
            try:
                await scene(checks, browser, directory, pictures)
            except Late as late:
                checks.check("nothing is waited for in vain", [str(late)])
            except Trouble:
                raise
            except Exception:
                checks.check("the scene is gone through", [traceback.format_exc()])
                shutil.copytree(directory, pictures / directory.name, ignore=lambda _, names: [name for name in names if not name.endswith((".log", ".yaml"))])
            finally:
                shutil.rmtree(directory)
        await browser.close()
    print(f"pictures: {pictures}")
    return 1 if checks.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(Path(sys.argv[1]))))
    except Trouble as trouble:
        print(f"the page in a browser: {trouble}", file=sys.stderr)
        sys.exit(os.EX_UNAVAILABLE)
