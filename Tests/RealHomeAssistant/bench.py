"""Runs scenarios against the Home Assistant of this Python's environment. Exit code: as ./run."""

import argparse
import asyncio
import importlib.metadata
import traceback
from signal import SIGHUP, SIGINT, SIGTERM

from programs import Late, Program, Trouble
from scenarios import SCENARIOS
from stage import Stage

SIGNALS = (SIGHUP, SIGINT, SIGTERM)


async def run(version: str, name: str) -> int:
    """How many findings there were."""
    stage = Stage(version, name)
    try:
        await SCENARIOS[name](stage)
        await stage.check_complaints()
        stage.check("nothing can be reached from outside", await Program.reachable_from_outside())
    except Late as late:
        stage.check("nothing is waited for in vain", [str(late)])
    except Trouble:
        raise
    except Exception:
        stage.check("the scenario is gone through", [traceback.format_exc()])
    finally:
        await stage.end()
    return stage.failures


async def run_all(version: str, names: list[str]) -> int:
    end_at_signals()
    return sum([await run(version, name) for name in names])


def end_at_signals() -> None:
    """The first one ends the scenario that is under way, which then ends what it has started; others do not disturb it in that."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    assert current is not None

    def end() -> None:
        for number in SIGNALS:
            loop.add_signal_handler(number, lambda: None)
        current.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, end)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be given again")
    arguments = parser.parse_args()
    version = importlib.metadata.version("homeassistant")
    try:
        failures = asyncio.run(run_all(version, arguments.scenario or list(SCENARIOS)))
    except Trouble as trouble:
        print(f"real Home Assistant {version}: {trouble}")
        return 69
    except asyncio.CancelledError:
        return 130
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
