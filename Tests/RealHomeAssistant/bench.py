"""Runs scenarios against the Home Assistant of this Python's environment. Exit code: as ./run."""

import argparse
import asyncio
import importlib.metadata
import signal
import traceback

from programs import Late, Trouble
from scenarios import SCENARIOS
from stage import Stage


async def run(version: str, name: str) -> int:
    """How many findings there were."""
    stage = Stage(version, name)
    try:
        await SCENARIOS[name](stage)
        await stage.check_complaints()
    except Late as late:
        stage.check("nothing is waited for in vain", [str(late)])
    except Exception as error:
        if isinstance(error, Trouble):
            raise
        stage.check("the scenario is gone through", [traceback.format_exc()])
    finally:
        await stage.end()
    return stage.failures


async def run_all(version: str, names: list[str]) -> int:
    # A signal ends the scenario that is under way, which then ends what it has started.
    current = asyncio.current_task()
    assert current is not None
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, current.cancel)
    return sum([await run(version, name) for name in names])


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
