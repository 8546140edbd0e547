"""The page in a real Chromium, beside what the API and the history say.

Arguments: where the pictures go; then `--year` for the figures of a year instead. Exit code: as ./run.
"""

import asyncio
import contextlib
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from signal import SIGKILL
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, Route, async_playwright

sys.path.append(str(Path(__file__).resolve().parents[1] / "RealHomeAssistant"))
from fleet import BIN, INVERTER, Device, Simulation  # noqa: E402
from programs import Late, Program, Trouble, disagreement, free_port, until  # noqa: E402

HOSTILE = Device('Roof <img src=x onerror="document.title=1">&amp;', "D8:B6:73:BF:4F:80", "controller", "RNG-CTRL-RVR40")
STALE = Device("Alternator", "D8:B6:73:BF:4F:81", "dcdc", "RBC50D1S-G1")
NEVER = Device("Battery", "D8:B6:73:BF:4F:82", "battery", "", 48)
# As history-writer has its first one.
METER = Device("Shunt", "D8:B6:73:BF:4F:70", "shunt300", "RTMShunt300", advertised="RTMShunt300123456")
TESTED = Device("Bench", "D8:B6:73:BF:4F:84", "controller", "RNG-CTRL-WND30", is_marked_simulated=True)
SIMULATED = (INVERTER, HOSTILE, STALE, METER, TESTED)
# As history-writer has them.
OF_A_YEAR = (
    Device("Battery 1", "D8:B6:73:BF:4F:70", "battery", "RBT50LFP48S-B", advertised="BT-TH-66F94E1A"),
    Device("Battery 2", "D8:B6:73:BF:4F:71", "battery", "RBT50LFP48S-A", advertised="BT-TH-66F94E1B"),
    Device("Alternator", "D8:B6:73:BF:4F:72", "dcdc", "RBC50D1S-G1"),
    Device("Battery 3", "D8:B6:73:BF:4F:73", "battery", "RBT50LFP48S-C", advertised="BT-TH-66F94E1D"),
    Device("Inverter", "D8:B6:73:BF:4F:74", "inverter", "RIV4835CSH1S", advertised="BTRIC134000036"),
)
TOKEN = "a-token-of-the-test's-own"

# What the page shows of each device, by its name.
CARDS = """() => Object.fromEntries([...document.querySelectorAll('#devices article')].map(card => [card.querySelector('h3').textContent, {
  old: card.classList.contains('old'), word: card.querySelector('.word').textContent, age: card.querySelector('.age').textContent,
  simulated: !card.querySelector('.badge').hidden,
  readings: Object.fromEntries([...card.querySelectorAll('dl > div')].map(row => [row.querySelector('dt').textContent, row.querySelector('dd').firstChild.data])),
}]))"""
# Whether anybody looks. A headless browser always does.
LOOK = """isHidden => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => isHidden ? 'hidden' : 'visible' });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
# Chooses a span; resolves once its curves stand there and were painted.
DRAW = """span => new Promise(done => {
  performance.clearResourceTimings();
  const began = performance.now();
  document.querySelector(`input[value=${span}]`).click();
  const look = () => {
    const plots = [...document.querySelectorAll('#curves .plot')];
    if (!document.querySelector('#curves-note').hidden || !plots.length || plots.some(plot => !plot.getAttribute('aria-label').endsWith(`the last ${span}`))) return requestAnimationFrame(look);
    const points = plots.reduce((sum, plot) => sum + Number(plot.getAttribute('aria-valuemax')) + 1, 0);
    requestAnimationFrame(() => done({ ms: performance.now() - began, curves: plots.length, points }));
  };
  look();
})"""
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
    async def blank(cls, browser: Browser, url: str, **options: Any) -> "Tab":
        """One that has yet to go there."""
        options = {"viewport": {"width": 1100, "height": 900}, "locale": "en-US", "timezone_id": "UTC"} | options
        return cls(await (await browser.new_context(**options)).new_page(), url)

    @classmethod
    async def open(cls, browser: Browser, url: str, **options: Any) -> "Tab":
        tab = await cls.blank(browser, url, **options)
        await tab.page.goto(url)
        return tab

    async def says(self, what: str) -> None:
        """Until the word beside the title has this in it."""
        await self.page.wait_for_function("what => document.querySelector('#stream').textContent.includes(what)", arg=what, timeout=20_000)

    async def show(self, node: str) -> None:
        """Opens it anew, and waits for that part of the flow."""
        await self.page.goto(self.url)
        await self.page.wait_for_selector(f"#flow-{node}")

    async def is_drawn(self) -> None:
        await self.page.wait_for_selector("#curves figure", timeout=90_000)
        await self.page.wait_for_selector("#links figure", timeout=30_000)
        await self.page.wait_for_selector("#events li", timeout=30_000)

    async def close(self) -> None:
        await self.page.context.close()


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def drain(one: socket.socket) -> None:
    """Until either side closes it."""
    with contextlib.suppress(OSError):
        while one.recv(65536):
            pass


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
    for span, since in (("year", "365d"), ("month", "30d"), ("day", "24h"), ("hour", "1h")):
        saved = len(recorded(METER.name))
        async with page.expect_response(lambda answer: "/api/history?" in answer.url and f"since={since}" in answer.url) as waiting:
            await page.check(f"input[value={span}]")
        answer = await (await waiting.value).json()
        await page.wait_for_function(
            "([count, span]) => document.querySelectorAll('#curves figure').length === count && document.querySelector('#curves .plot').getAttribute('aria-label').includes(span)",
            arg=[len(answer["curves"]), span])
        figures = [(page.locator("#curves figure").nth(index), curve) for index, curve in enumerate(answer["curves"])]
        wrong = [word for figure, curve in figures for word in [*await differs_from_answer(figure, answer, curve), *await labels_differ(figure, answer, curve)]]
        checks.check(f"curves of the {span}: {len(answer['curves'])} tables and lines are what /api/history says", wrong + ([] if answer["curves"] else ["there is none"]))
        polls = recorded(METER.name)
        wrong = [word for curve in answer["curves"] for word in differs_from_polls(answer, curve, polls, saved)]
        points = sum(len(curve["points"]) for curve in answer["curves"])
        checks.check(f"curves of the {span}: {points} points are what the database's {len(polls)} polls come to", wrong)


def caption(answer: dict[str, Any], curve: dict[str, Any]) -> str:
    remarks = (["computed"] if curve["derived"] else []) + (["sign as the device has it"] if curve["raw_sign"] else [])
    return " · ".join([titled(curve["key"]), answer["device"], *remarks, *(["SIMULATED"] if answer["test_mode"] else [])])


async def differs_from_answer(figure: Locator, answer: dict[str, Any], curve: dict[str, Any]) -> list[str]:
    wrong, points = [], curve["points"]
    if (shown := await figure.locator("figcaption").text_content()) != caption(answer, curve):
        wrong.append(f"{curve['key']}: the caption is {shown}")
    details = figure.locator("details")
    if await details.get_attribute("open") is None:
        await figure.locator("summary").click()
        # It is filled a moment after it is opened.
        await figure.locator("tbody").wait_for(state="attached")
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
    number = [(time - instant(answer["from"]) + .0005) // answer["width_s"] for time in times]
    runs = 1 + sum(later - earlier > answer["gap_s"] and after - before > 1
                   for earlier, later, before, after in zip(times, times[1:], number, number[1:]))
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


def differs_from_polls(answer: dict[str, Any], curve: dict[str, Any], polls: list[dict[str, Any]], saved: int) -> list[str]:
    """`saved`: how many of the polls had been written when that was asked for."""
    wrong, width, quarter = [], answer["width_s"], 900
    key, kind = curve["key"], (curve["unit"], curve["derived"], curve["raw_sign"])
    values = [(instant(poll["time"]), poll["readings"][key]["value"]) for poll in polls
              if key in poll["readings"] and (poll["readings"][key]["unit"], key in poll["derived"], key in poll["raw_sign"]) == kind]
    times = [time for time, _ in values]
    # Spans of quarters begin where a quarter does; of each there is the mean with two more digits than the numbers have.
    is_of_quarters = width % quarter == 0
    base = instant(answer["from"]) // quarter * quarter if is_of_quarters else instant(answer["from"])
    number = [(time - base + .0005) // width for time in times if base <= time + .0005]
    told = [(instant(point["at"]) - base + .0005) // width for point in curve["points"]]
    least = sum(key in poll["readings"] and instant(poll["time"]) >= base - .0005 for poll in polls[:saved])
    if missing := sorted({*number} - {*told} - {one for one in number if told and one > told[-1]}):
        wrong.append(f"{key}: {len(missing)} spans with readings have no point")
    counted = sum(point["count"] for one in answer["curves"] if one["key"] == key for point in one["points"])
    if counted < least:
        wrong.append(f"{key}: {counted} readings, the database had {least}")
    for point in curve["points"]:
        at = instant(point["at"])
        end = base + ((at - base + .0005) // width + 1) * width
        span = values[bisect_left(times, at - .0005):bisect_left(times, end - .0005)]
        if point is curve["points"][-1]:
            # What was written since is not in the answer yet.
            span = span[:point["count"]]
        within = [value for _, value in span]
        # As coarse as the coarsest quarter.
        by_quarter = groupby(span, lambda one: one[0] // quarter)
        digits = min((max(len(plain(value).partition(".")[2]) for _, value in of_one) for _, of_one in by_quarter), default=0)
        finest = .5001 * 10 ** -(digits + 2) if is_of_quarters else 1e-6 * max(1, abs(point["mean"]))
        found = (len(within), min(within, default=None), max(within, default=None))
        if found != (point["count"], point["min"], point["max"]) or abs(sum(within) / len(within) - point["mean"]) > finest:
            wrong.append(f"{curve['key']}: {point}, the database {found}, mean {sum(within) / max(1, len(within))}")
    return wrong


async def check_alike(checks: Checks, tab: Tab) -> None:
    """Several curves of one key, that differ in what else is said of them: each its own figure, that stays when all are drawn again."""
    page = tab.page
    others = ({}, {"unit": "mV"}, {"derived": True}, {"derived": True, "raw_sign": True})

    async def several(route: Route) -> None:
        answer = await (await route.fetch()).json()
        curve = answer["curves"][0] | {"derived": False, "raw_sign": False}
        await route.fulfill(json=answer | {"curves": [curve | other for other in others]})

    await page.route("**/api/history?*", several)
    marks = "() => [...document.querySelectorAll('#curves figure')].map(figure => figure.dataset.mark ?? '')"
    for span in ("month", "day"):
        async with page.expect_response(lambda answer: "/api/history?" in answer.url):
            await page.check(f"input[value={span}]")
        await page.wait_for_function(
            "([count, span]) => document.querySelectorAll('#curves figure').length === count && document.querySelector('#curves .plot').getAttribute('aria-label').includes(span)",
            arg=[len(others), span])
        if span == "month":
            await page.evaluate("() => document.querySelectorAll('#curves figure').forEach((figure, index) => figure.dataset.mark = index)")
    names = await page.locator("#curves .plot").evaluate_all("plots => plots.map(plot => plot.getAttribute('aria-label'))")
    kept = await page.evaluate(marks)
    checks.check("curves of one key that differ otherwise are figures of their own", [
        *([] if kept == ["0", "1", "2", "3"] else [f"kept {kept}"]), *([] if len(set(names)) == len(others) else [f"{names}"]),
    ])
    await page.unroute("**/api/history?*")


async def check_sums(checks: Checks, browser: Browser, service: "Service") -> None:
    """Who is missing in a sum is named, with why: of the service's own status, each time with something else taken out of it."""
    status = fetch(service.url + "api/status")
    roof, inverter, shunt, alternator = HOSTILE.name, INVERTER.name, METER.name, STALE.name

    def less(*gone: tuple[str, str, bool]) -> dict[str, Any]:
        """Without these readings, some because they are not believed."""
        altered = json.loads(json.dumps(status))
        for name, key, is_implausible in gone:
            device = next(one for one in altered["devices"] if one["name"] == name)
            device["readings"].pop(key, None)
            device["implausible"] += [key] if is_implausible else []
        return altered

    def total(told: dict[str, Any], *keys: str) -> float:
        return sum(device["readings"][key]["value"] for device in told["devices"] if not device["test_mode"] for key in keys if key in device["readings"])

    away = less(*((alternator, key, False) for key in next(one for one in status["devices"] if one["name"] == alternator)["readings"]))
    next(one for one in away["devices"] if one["name"] == alternator)["available"] = False
    no_sun = less((roof, "solar_power", True))
    no_load = less((inverter, "load_active_power", False))
    no_power = less((shunt, "battery_power", True), (shunt, "battery_current", True))
    nothing = less((shunt, "battery_power", True), (shunt, "battery_current", True), (shunt, "battery_soc", False))
    unsigned = less()
    of_register = next(one for one in unsigned["devices"] if one["name"] == NEVER.name)
    of_register |= {"profile": METER.profile, "available": True, "status": "connected", "age_s": 1, "read_at": status["devices"][0]["read_at"], "raw_sign": ["battery_power"],
                    "readings": {"battery_power": {"value": 300, "unit": "W"}}}
    meters = next(one for one in status["devices"] if one["name"] == shunt)["readings"]["battery_power"]["value"]
    cases: list[tuple[str, dict[str, Any], str, str, str]] = [
        ("a power of which nobody knows the direction", unsigned, "battery", f"; power without {NEVER.name} (direction not known); charge without {NEVER.name} (no value)",
         f"{plain(rounded(abs(meters), 1))} W"),
        ("a value that is not believed", no_sun, "solar", f"; without {roof} (not believable)", f"{plain(round(total(no_sun, 'solar_power'), 1))} W"),
        ("one that is not said", no_load, "load", f"; without {inverter} (no value)", f"{plain(total(no_load, 'load_power'))} W"),
        ("one that is away", away, "solar", f"; without {alternator} (unavailable)", f"{plain(round(total(away, 'solar_power'), 1))} W"),
        ("a meter, and another is asked in its place", no_power, "battery", f"; power without {shunt} (not believable), {NEVER.name} (never read)", ""),
        ("a meter altogether", nothing, "battery",
         f"; power without {shunt} (not believable), {NEVER.name} (never read); charge without {shunt} (no value), {NEVER.name} (never read)", ""),
        ("nothing, where a better meter says it", less(), "battery", f"by {shunt}", ""),
    ]
    tab = await Tab.blank(browser, service.url)
    told: list[dict[str, Any]] = []
    await tab.page.route("**/api/stream", lambda route: route.fulfill(
        content_type="text/event-stream", body="".join(f"event: status\ndata: {json.dumps(one)}\n\n" for one in told)))
    for what, altered, node, ending, value in cases:
        told = [status, altered]
        await tab.show(node)
        note = await tab.page.text_content(f"#flow-{node} .quiet") or ""
        shown = await tab.page.text_content(f"#flow-{node} .value") or ""
        checks.check(f"a sum says that it lacks {what}", ([] if note.endswith(ending) else [f"{note}, not {ending}"])
                     + ([] if shown == (value or shown) else [f"it is {shown}, not {value}"]))
    await tab.close()


# What the page says of the links, of what went wrong, and in pictures, beside the API

TOLD = """() => {
  const texts = selector => [...document.querySelectorAll(selector)].map(node => node.textContent);
  const cards = (selector, take) => Object.fromEntries([...document.querySelectorAll(selector)].map(card => [card.querySelector('h3').textContent, take(card)]));
  return {
    battery: texts('#flow-battery .soc, #flow-battery .value, #flow-battery .value + p'), problems: texts('#problems li'),
    failures: cards('#devices article', card => card.querySelector('.failure').textContent),
    links: cards('#links article', card => Object.fromEntries([...card.querySelectorAll('dl > div')].map(row =>
      [row.querySelector('dt').textContent, row.querySelector('dd').firstChild.data]))),
  };
}"""


def rounded(value: float, digits: int) -> float:
    """As JavaScript rounds."""
    return math.floor(value * 10**digits + .5) / 10**digits


def in_seconds(ms: float | None) -> str:
    return "–" if ms is None else f"{plain(rounded(ms / 1000, 2))} s"


def in_percent(share: float | None) -> str:
    return "–" if share is None else f"{plain(rounded(share * 100, 1))} %"


async def tells_of_links(tab: Tab) -> list[str]:
    status, told = await tab.page.evaluate(STATUS), await tab.page.evaluate(TOLD)
    meter = next(one for one in status["devices"] if one["name"] == METER.name)["readings"]
    power = meter["battery_power"]["value"]
    battery = [f"{plain(meter['battery_soc']['value'])} %", f"{plain(rounded(abs(power), 1))} W", "charging" if power > 0 else "discharging"]
    wrong = [f"the battery is {told['battery']}, not {battery}"] if told["battery"] != battery else []
    for device in status["devices"]:
        name, failure = device["name"], device["failure"]
        expected = {
            "Success rate": in_percent(device["success_rate"]), "Available": in_percent(device["availability"]),
            "Failures in a row": plain(device["consecutive_failures"]), "Connect": in_seconds(device["connect_ms"]),
            "Whole poll": in_seconds(device["poll_ms"]), "Deadline now": f"{plain(device['deadline_s'])} s",
            "Carried by": {"kernel": "the kernel", "bluez": "bluetoothd"}.get(device["link"], "–"),
        }
        shown = {key: told["links"].get(name, {}).get(key) for key in expected}
        if shown != expected:
            wrong.append(f"{name}: {shown}, not {expected}")
        said = told["failures"].get(name, "none")
        if (failure is None) != (said == "") or failure and not all(failure[part] in said for part in ("message", "advice")):
            wrong.append(f"{name}: its failure is '{said}', not {failure}")
    if len(told["problems"]) != len(status["problems"]) or not all(
            any(problem["message"] in shown and problem["advice"] in shown for shown in told["problems"]) for problem in status["problems"]):
        wrong.append(f"problems are {told['problems']}, not {status['problems']}")
    return wrong


async def tells_of_events(tab: Tab) -> list[str]:
    events = await tab.page.evaluate("async () => (await (await fetch('/api/events')).json()).events")
    shown = await tab.page.locator("#events li").all_text_contents()
    alike = len(shown) == len(events) and all(
        event["message"] in text and (event["advice"] or "") in text for event, text in zip(reversed(events), shown))
    return [] if alike and events else [f"{len(shown)} of {len(events)}: {shown[:2]}, not {events[-2:]}"]


async def polls_differ(card: Locator, polls: list[dict[str, Any]]) -> list[str]:
    figure = card.locator("figure")
    rows = await figure.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.children].slice(1).map(cell => cell.textContent))")
    bad = [sum(one["failed"].values()) for one in polls]
    expected = [[f"{one['good']}", f"{failed}", in_seconds(one["connect_ms_mean"]), in_seconds(one["poll_ms_mean"]), f"{plain(one['deadline_s'])} s"]
                for one, failed in reversed(list(zip(polls, bad)))]
    wrong = [f"the table has {rows[:2]}, the API {expected[:2]}"] if rows != expected or not rows else []
    most = max(max(one["good"], failed) for one, failed in zip(polls, bad))
    for kind, counts, hangs in (("ok", [one["good"] for one in polls], False), ("failed", bad, True)):
        bars = await figure.locator(f"rect.{kind}").evaluate_all("bars => bars.map(bar => ['y', 'height'].map(name => parseFloat(bar.getAttribute(name))))")
        tall = [50 * count / most for count in counts]
        if len(bars) != len(tall) or any(abs(height - want) > .1 or abs(y - (50 if hangs else 50 - want)) > .1 for (y, height), want in zip(bars, tall)):
            wrong.append(f"bars of {kind} are {bars[:3]}, not {tall[:3]} high")
    text = await figure.locator(".readout").text_content() or ""
    if f": {polls[-1]['good']} read, {bad[-1]} failed; connect {in_seconds(polls[-1]['connect_ms_mean'])}, poll {in_seconds(polls[-1]['poll_ms_mean'])}" not in text:
        wrong.append(f"in words: {text}, not {polls[-1]}")
    classes: dict[str, int] = {}
    for one in polls:
        for failure, count in one["failed"].items():
            classes[failure] = classes.get(failure, 0) + count
    said = await card.locator(":scope > .failure").text_content() or ""
    if sorted(said.partition(": ")[2].split(", ") if said else []) != sorted(f"{failure.replace('_', ' ')} {count}" for failure, count in classes.items()):
        wrong.append(f"failures: {said}, not {classes}")
    return wrong


async def check_polls(checks: Checks, tab: Tab) -> None:
    """The polls of the meter and of one that fails, as bars, in words, as a table, and by class."""
    page = tab.page
    answers: dict[str, Any] = {}

    async def keep(answer: Any) -> None:
        if "/api/polls?" in answer.url and "since=30d" in answer.url:
            told = await answer.json()
            answers[told["device"]] = told

    page.on("response", keep)
    await page.check("input[value=month]")
    await page.wait_for_function("() => [...document.querySelectorAll('#links .outcomes .plot')].length && document.querySelector('#curves .plot').getAttribute('aria-label').includes('month')")
    for name in (METER.name, STALE.name):
        card = page.get_by_role("article", name=f"Link of {name}")
        await until(f"the polls of {name}", lambda: asyncio.sleep(0, name in answers))
        await card.locator("figure summary").click()
        caption = await card.locator("figcaption").text_content()
        checks.check(f"polls of {name}: it says of which time", [] if caption == "Polls of the last month: read above the line, failed below" else [f"{caption}"])
        await checks.agrees(f"polls of {name}: {len(answers[name]['polls'])} spans are what /api/polls says", lambda: polls_differ(card, answers[name]["polls"]))
    page.remove_listener("response", keep)


async def labels_differ(figure: Locator, answer: dict[str, Any], curve: dict[str, Any]) -> list[str]:
    """What stands beside the line and below it, and whether the line lies there."""
    scale = await figure.locator(".scale span").all_text_contents()
    top, middle, bottom = (float(text.split()[0]) for text in scale)
    low, high = min(one["min"] for one in curve["points"]), max(one["max"] for one in curve["points"])
    slack = (top - bottom) * .06
    wrong = [] if bottom - slack <= low and high <= top + slack and abs(middle - (top + bottom) / 2) <= slack and top > bottom else [f"{curve['key']}: {scale} of {low} to {high}"]
    drawn = [float(y) for path in await figure.locator(".mean").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
             for y in re.findall(r"-?[\d.]+ (-?[\d.]+)", path)]
    if any(abs(bottom + (100 - y) / 100 * (top - bottom) - one["mean"]) > slack for y, one in zip(drawn, curve["points"])):
        wrong.append(f"{curve['key']}: the line does not lie where {scale} has it")
    axis = await figure.locator(".axis span").all_text_contents()
    first, last = instant(answer["from"]), instant(answer["to"])
    style = {"year": "{month: 'short', year: 'numeric'}", "month": "{day: 'numeric', month: 'short'}"}
    span = "year" if last - first > 86_400 * 40 else "month" if last - first > 86_400 * 2 else ""
    expected = await figure.page.evaluate(f"times => times.map(time => new Intl.DateTimeFormat(undefined, {style.get(span, '{timeStyle: `short`}')}).format(new Date(time * 1000)))",
                                          [first, (first + last) / 2, last])
    return wrong + ([] if axis == expected else [f"{curve['key']}: the axis has {axis}, not {expected}"])


# What a person does


async def check_choices(checks: Checks, tab: Tab) -> None:
    """Who runs through the choices gets the last one."""
    page = tab.page
    events: list[str] = []
    page.on("request", lambda request: events.append(request.url) if request.url.endswith("/api/events") or "/api/events?" in request.url else None)
    await page.check("input[value=month]")
    await page.focus("#curves-of")
    for key in ["ArrowDown"] * 5 + ["ArrowUp"] * 4:
        await page.keyboard.press(key)
    await page.wait_for_function("() => document.querySelector('#curves-note').textContent !== 'Loading …' && document.querySelectorAll('#curves figure').length")
    chosen = await page.evaluate("document.querySelector('#curves-of').selectedOptions[0].textContent")
    captions = await page.locator("#curves figcaption").all_text_contents()
    note = await page.text_content("#curves-note") or ""
    checks.check("who runs through the choices gets the last one", ([note] if note.startswith("No") else []) + [one for one in captions if chosen not in one]
                 + ([] if len(events) <= 4 else [f"events were asked for {len(events)} times"]))
    await page.select_option("#curves-of", label="the flow of power")


async def check_finger(checks: Checks, tab: Tab) -> None:
    """A tap moves the cursor, and that stays at its moment."""
    page = tab.page
    await page.check("input[value=month]")
    await page.wait_for_function("() => document.querySelector('#curves .plot')?.getAttribute('aria-label').includes('month')")
    figure = page.locator("#curves figure", has=page.locator(f"figcaption:has-text('{METER.name}')")).first
    await figure.scroll_into_view_if_needed()
    box = await figure.locator("svg").bounding_box() or {}
    before = await figure.locator(".readout").text_content()
    await page.touchscreen.tap(box["x"] + box["width"] * .5, box["y"] + box["height"] / 2)
    tapped = await figure.locator(".readout").text_content() or ""
    await page.check("input[value=year]")
    await page.wait_for_function("() => document.querySelector('#curves .plot').getAttribute('aria-label').includes('year')")
    figure = page.locator("#curves figure", has=page.locator(f"figcaption:has-text('{METER.name}')")).first
    later = await figure.locator(".readout").text_content() or ""
    day = [text.split(",")[0] for text in (tapped, later)]
    apart = abs((datetime.strptime(day[0], "%m/%d/%y") - datetime.strptime(day[1], "%m/%d/%y")).days)
    checks.check("a tap moves the cursor, which stays at its moment", [] if tapped != before and apart <= 2 else [f"{before}, tapped {tapped}, over a year {later}"])


async def check_devices_go(checks: Checks, browser: Browser, service: "Service") -> None:
    """Devices go: what has the focus keeps it, curves follow. No word for long: nothing is shown any more."""
    told = fetch(service.url + "api/status")
    tab = await Tab.blank(browser, service.url)
    page = tab.page
    await page.clock.install()
    await page.route("**/api/stream", lambda route: route.fulfill(content_type="text/event-stream", body=f"event: status\ndata: {json.dumps(told)}\n\n") if told else route.abort())
    await page.goto(service.url)
    await page.select_option("#curves-of", label=INVERTER.name)
    await page.wait_for_function("name => [...document.querySelectorAll('#curves figcaption')].some(one => one.textContent.includes(name))", arg=INVERTER.name, timeout=60_000)
    await page.locator("article", has=page.get_by_role("heading", name=HOSTILE.name, exact=True)).locator("summary").first.focus()
    was = await page.evaluate("document.activeElement.tagName")
    told = json.loads(json.dumps(told))
    told["devices"] = [one for one in told["devices"] if one["name"] != INVERTER.name]
    await page.clock.run_for(5000)
    await page.wait_for_function("name => ![...document.querySelectorAll('#devices h3')].some(one => one.textContent === name)", arg=INVERTER.name, timeout=20_000)
    await page.clock.run_for(1000)
    await page.wait_for_function("name => ![...document.querySelectorAll('#curves figcaption')].some(one => one.textContent.includes(name))", arg=INVERTER.name, timeout=20_000)
    focused = await page.evaluate("document.activeElement.tagName")
    checks.check("a device that goes takes its curves along, and nobody's focus", [] if was == focused == "SUMMARY" else [f"{was}, then {focused}"])
    told = {}
    await page.clock.run_for(20_000)
    await page.wait_for_function("() => document.querySelector('#stream').textContent === 'not live'", timeout=20_000)
    about = await page.text_content("#about") or ""
    held = [card["readings"] for card in (await page.evaluate(CARDS)).values() if card["readings"]]
    await page.clock.run_for(620_000)
    cards = await page.evaluate(CARDS)
    checks.check("without a word for ten minutes no reading is shown", [f"{name}: {card}" for name, card in cards.items() if card["readings"] or not any(word in card["word"] for word in ("not known any more", "was unavailable", "never"))]
                 + ([] if held else ["none was shown before"]) + ([] if any("not known any more" in card["word"] for card in cards.values()) else ["none is said to be not known"])
                 + ([] if about == await page.text_content("#about") and "was up" in about else [f"{about}, later {await page.text_content('#about')}"]))
    await tab.close()


async def check_simulated(checks: Checks, tab: Tab) -> None:
    link = tab.page.get_by_role("article", name=f"Link of {TESTED.name}")
    others = await tab.page.locator("#links article .badge:visible").count()
    checks.check("the link of what is simulated is marked, and no other", [] if others == 1 and await link.locator(".badge").is_visible() else [f"{others} are"])
    checks.check("what is simulated is in no sum beside what is measured", await tab.page.evaluate("""name => ['solar', 'load', 'battery']
      .map(id => document.getElementById(`flow-${id}`)?.textContent ?? `no ${id}`).filter(text => text.startsWith('no ') || text.includes(name))""", TESTED.name))


async def check_never(checks: Checks, tab: Tab) -> None:
    await tab.page.select_option("#curves-of", label=NEVER.name)
    await tab.page.wait_for_function("() => !['', 'Loading …'].includes(document.querySelector('#curves-note').textContent)", timeout=20_000)
    checks.check("of one that was never read, nothing is written, and that is what it says", [
        *([] if (note := await tab.page.text_content("#curves-note") or "").startswith("Nothing is written") else [note]),
        *await tab.page.locator("#curves figcaption").all_text_contents(),
    ])


async def check_hidden(checks: Checks, browser: Browser, service: "Service", pictures: Path) -> None:
    """A tab that nobody looks at, and a machine that slept, by the page's own clock."""
    tab = await Tab.blank(browser, service.url)
    page = tab.page
    await page.clock.install()
    await page.goto(service.url)
    await tab.is_drawn()
    await tab.says("live")
    await page.evaluate("""() => {
      window.alarms = [];
      const lost = document.querySelector('#lost');
      new MutationObserver(() => lost.hidden || window.alarms.push(lost.textContent)).observe(lost, { attributes: true, childList: true, subtree: true });
    }""")
    words = f"() => Object.values(({CARDS})()).map(card => card.word)"
    age = f"() => ({CARDS})()[{json.dumps(METER.name)}].age"

    async def has(count: int) -> list[str]:
        return [] if service.connections() == count else [f"{service.connections()} connections"]

    await page.evaluate(LOOK, True)
    await page.clock.run_for(20_000)
    await checks.agrees("hidden: for 20 s it goes on", lambda: has(1))
    checks.check("hidden: and is live", await page.evaluate("() => [document.querySelector('#stream').textContent].filter(text => text !== 'live')"))
    await page.clock.run_for(12_000)
    await tab.says("not live: paused while nobody looked")
    await checks.agrees("hidden: then its connection is let go", lambda: has(0))
    first = await page.evaluate(age)
    await page.clock.run_for(120_000)
    later = await page.evaluate(age)
    await page.screenshot(path=pictures / "paused.png")
    checks.check("hidden: what is shown was, and gets older", [
        *(f"a word is {word}" for word in await page.evaluate(words) if not word.startswith("was ")),
        *([] if later != first and "min" in later else [f"{first}, 120 s later {later}"]),
        *await has(0),
    ])
    await page.evaluate(LOOK, False)
    await page.wait_for_function("() => document.querySelector('#stream').textContent === 'live'", timeout=20_000)
    await checks.agrees("hidden: looked at again, it is live", lambda: shows_what_the_api_says(tab))
    # All timers at once, late: so it is for a page when the machine wakes up.
    await page.evaluate("""() => {
      window.heard = [];
      const stream = document.querySelector('#stream');
      new MutationObserver(() => window.heard.push(stream.textContent)).observe(stream, { childList: true, subtree: true, characterData: true });
    }""")
    await page.clock.fast_forward(3_600_000)
    await page.wait_for_function("() => window.heard.at(-1) === 'live'", timeout=20_000)
    heard = await page.evaluate("window.heard")
    checks.check("asleep: it says that it paused, and is live again", [] if len(heard) == 2 and "paused" in heard[0] else [f"{heard}"])
    checks.check("hidden, asleep: nothing is lost, no complaint on the console", await page.evaluate("window.alarms") + tab.complaints)
    await tab.close()


async def check_refused(checks: Checks, browser: Browser, service: "Service") -> None:
    """The banner and the notes give BluPow's own reason."""
    others = service.listen_until_full()
    tab = await Tab.open(browser, service.url)
    try:
        await tab.page.wait_for_selector("#lost:not([hidden])", timeout=20_000)
        first = await tab.page.text_content("#lost") or ""
        await tab.says("not live")
    finally:
        for other in others:
            with contextlib.suppress(OSError):
                other.shutdown(socket.SHUT_RDWR)
            other.close()
    checks.check("refused: the banner has BluPow's own reason", [] if "12 clients listen from there already" in first and "What stands here" not in first else [first])
    await tab.page.wait_for_function("() => document.querySelector('#stream').textContent === 'live'", timeout=30_000)
    checks.check("refused: it comes in once there is room", await tab.page.evaluate("() => [document.querySelector('#lost')].filter(lost => !lost.hidden).map(lost => lost.textContent)"))
    await tab.is_drawn()
    reason = "16 questions about the past are being answered already. Try again."
    await tab.page.wait_for_selector("#links .outcomes", timeout=20_000)
    await tab.page.route("**/api/history?*", lambda route: route.fulfill(status=503, json={"error": reason}))
    await tab.page.check("input[value=month]")
    await tab.page.wait_for_function("() => document.querySelector('#curves-note').textContent.startsWith('No curves')", timeout=20_000)
    checks.check("refused: so it is for curves, and those of another choice are not left there", [
        *([] if reason in (note := await tab.page.text_content("#curves-note") or "") else [note]),
        *await tab.page.locator("#curves figcaption, #links figcaption").all_text_contents(),
    ])
    await tab.close()


async def check_refused_long(checks: Checks, browser: Browser, service: "Service") -> None:
    """Questions about the past that are refused, or not answered, for long: asked ever more rarely, and why is said."""
    tab = await Tab.blank(browser, service.url)
    page = tab.page
    told, asked, answers = fetch(service.url + "api/status"), [], True
    await page.clock.install()

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        if answers:
            await route.fulfill(status=503, json={"error": "The history cannot be read for now; `blupow doctor` says why."})

    await page.route("**/api/stream", lambda route: route.fulfill(content_type="text/event-stream", body=f"event: status\ndata: {json.dumps(told)}\n\n"))
    await page.route("**/api/history?*", refuse)
    await page.goto(service.url)
    for _ in range(60):
        await page.clock.run_for(1000)
    checks.check("refused for a minute: asked ever more rarely", [] if 3 <= len(asked) <= 8 else [f"asked {len(asked)} times"])
    answers = False
    before = len(asked)
    await page.check("input[value=year]")
    await page.clock.run_for(1000)
    await until("another question", lambda: asyncio.sleep(0, len(asked) > before))
    await page.clock.run_for(31_000)
    await page.wait_for_function("() => document.querySelector('#curves-note').textContent === 'No curves: BluPow did not answer within 30 s.'", timeout=20_000)
    checks.check("no answer within 30 s: it says so", [])
    await tab.close()


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

    def __init__(self, directory: Path, simulation: Simulation, devices: Sequence[Device] = (*SIMULATED, NEVER), token: str | None = None) -> None:
        self._directory = directory
        self._devices = devices
        self._simulation = simulation
        self._port = free_port()
        self._token = token
        self._program: Program | None = None
        self.url = f"http://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        entries = [
            {"name": one.name, "address": one.address, "profile": one.profile}
            | ({} if one.unit is None else {"unit": one.unit}) | ({"test_mode": True} if one.is_marked_simulated else {})
            for one in self._devices
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
            "state_dir": str(state), "devices": entries, "http": http, "history": {"keep": "400d"},
        }
        # JSON is YAML.
        (self._directory / "blupow.yaml").write_text(json.dumps(configuration))
        self._program = await Program.start(
            "blupow run", str(BIN / "blupow"), "run", "--config", str(self._directory / "blupow.yaml"), log=self._directory / "blupow.log",
            environment=self._environment,
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

    def connections(self) -> int:
        """Those to the service that both sides hold, as the kernel has them."""
        mine, established = f"0100007F:{self._port:04X}", "01"
        return sum(line.split()[1::2][:2] == [mine, established] for line in Path("/proc/net/tcp").read_text().splitlines())

    def listen_until_full(self) -> list[socket.socket]:
        """Streams that others hold, so many that the next one is refused."""
        held: list[socket.socket] = []
        while True:
            one = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            held.append(one)
            one.sendall(f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
            if not one.recv(100).startswith(b"HTTP/1.1 200"):
                return held
            # One that is told what happens and does not take it is cut off.
            threading.Thread(target=drain, args=(one,), daemon=True).start()

    @property
    def _environment(self) -> dict[str, str]:
        return self._simulation.environment | {"BLUPOW_MIN_INTERVAL": "1s"}

    def bytes_of_history(self) -> int:
        return sum(file.stat().st_size for file in (self._directory / "state").glob("history.sqlite*"))

    async def has_written(self) -> bool:
        return bool(fetch(self.url + f"api/polls?device={METER.name}&since=1h")["polls"])

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """What `blupow history` prints of a device, poll by poll."""
        printed = subprocess.run(
            [BIN / "blupow", "history", name, "--since", "31d", "--json", "--config", self._directory / "blupow.yaml"], check=True, capture_output=True,
            text=True, env=os.environ | self._environment,
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
        await check_sums(checks, browser, service)
        await check_hidden(checks, browser, service, pictures)
        await check_refused(checks, browser, service)
        await simulation.faults(STALE, {"fault": "silent"})
        light = await Tab.open(browser, service.url)
        await checks.agrees("numbers are those of /api/status", lambda: shows_what_the_api_says(light))
        await check_simulated(checks, light)
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
        await checks.agrees("the battery, the links, failures and problems are those of /api/status", lambda: tells_of_links(light))
        await checks.agrees("events are those of /api/events, with advice", lambda: tells_of_events(light), within=60)
        await check_never(checks, light)
        banner = await light.page.text_content("#simulated") or ""
        checks.check("SIMULATED stands on top, with the name", [] if "SIMULATED" in banner and TESTED.name in banner and METER.name not in banner else [banner])
        await until("the first polls to be written down", service.has_written, within=120)
        await check_curves(checks, light, service.recorded)
        await check_alike(checks, light)
        await check_polls(checks, light)
        await check_choices(checks, light)
        await check_devices_go(checks, browser, service)
        await check_refused_long(checks, browser, service)
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
        await check_finger(checks, phone)
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


async def of_a_year(checks: Checks, browser: Browser, directory: Path, pictures: Path) -> None:
    """What a year costs: of five devices polled every 30 s, each number another one at each poll."""
    simulation = Simulation(directory)
    service = Service(directory, simulation, OF_A_YEAR)
    try:
        service.write_past(365)
        print(f"       the database: {service.bytes_of_history() / 1e6:.0f} MB", flush=True)
        await simulation.start(OF_A_YEAR)
        await service.start()

        async def all_read() -> bool:
            return all(service.device(one)["status"] == "connected" for one in OF_A_YEAR)

        await until("every simulated device to be read", all_read, within=60)
        tab = await Tab.open(browser, service.url)
        await tab.is_drawn()
        since = {"month": "30d", "day": "24h", "year": "365d"}
        chosen = "day"

        async def answered(span: str) -> list[list[float]]:
            """How many ms each question about that span took, of curves and of polls, once the last of them is answered."""
            await tab.page.wait_for_function("([asked, count]) => (window.times = kind => performance.getEntriesByType('resource')"
                                             ".filter(one => one.name.includes(`/api/${kind}?`) && one.name.includes(asked)).map(one => one.duration))('polls').length >= count",
                                             arg=[f"since={since[span]}", len(OF_A_YEAR)], timeout=120_000)
            return await tab.page.evaluate("['history', 'polls'].map(window.times)")

        for of in ("the flow of power", OF_A_YEAR[0].name):
            # What this asks is not to go on beside what is measured.
            await tab.page.evaluate("performance.clearResourceTimings()")
            await tab.page.select_option("#curves-of", label=of)
            await answered(chosen)
            for chosen in since:
                drawn = await tab.page.evaluate(DRAW, chosen)
                said = ", ".join(f"/api/{kind} {len(times)} times {min(times):.0f} to {max(times):.0f} ms"
                                 for kind, times in zip(("history", "polls"), await answered(chosen)))
                print(f"       {of}, a {chosen}: {drawn['curves']} curves of {drawn['points']} points drawn {drawn['ms']:.0f} ms after the click; {said}", flush=True)
                checks.check(f"{of}, a {chosen}: there are curves, and as long as that", [] if drawn["curves"] and drawn["points"] > 200 * drawn["curves"] else [f"{drawn}"])
            await tab.page.screenshot(path=pictures / f"year-{of.lower().replace(' ', '-')}.png", full_page=True)
        checks.check("a year: no complaint on the console", tab.complaints)
        await tab.close()
    finally:
        await service.end()
        await simulation.end()


async def behind_a_token(checks: Checks, browser: Browser, directory: Path, pictures: Path) -> None:
    simulation = Simulation(directory)
    service = Service(directory, simulation, token=TOKEN)
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


async def main(pictures: Path, scenes: Iterable[Callable[[Checks, Browser, Path, Path], Awaitable[None]]]) -> int:
    checks = Checks()
    async with async_playwright() as playwright:
        # Without a sandbox, which root has none of; it opens nothing but what is served here.
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scene in scenes:
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
        scenes = (of_a_year,) if sys.argv[2:] == ["--year"] else (of_the_demo, of_a_service, behind_a_token)
        sys.exit(asyncio.run(main(Path(sys.argv[1]), scenes)))
    except Trouble as trouble:
        print(f"the page in a browser: {trouble}", file=sys.stderr)
        sys.exit(os.EX_UNAVAILABLE)
