"""What a Home Assistant has to make of what blupow publishes: one function a scenario, one line a finding."""

from collections.abc import Awaitable, Callable

from scenarios import away, shown, upkeep
from stage import Stage

SCENARIOS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "families": shown.families,
    "original": shown.original,
    "quiet": shown.quiet,
    "modes": shown.modes,
    "freshness": away.freshness,
    "restart-stale": away.restart_stale,
    "missing": away.missing,
    "never-read": away.never_read,
    "energy": upkeep.energy,
    "clearing": upkeep.clearing,
    "rebirth": upkeep.rebirth,
}
