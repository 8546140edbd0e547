"""Starts the installed Home Assistant with the given arguments, on loopback only and on the Python that is there."""

import sys
from typing import Any


def stay_on_loopback() -> None:
    """From 2025 on Home Assistant opens mDNS sockets on every interface, whatever it is configured to do."""
    try:
        from zeroconf import Zeroconf
    except ImportError:
        return
    original = Zeroconf.__init__

    def init(self: Zeroconf, *_: Any, **__: Any) -> None:
        original(self, interfaces=["127.0.0.1"], unicast=True)

    Zeroconf.__init__ = init  # type: ignore[method-assign]


def accept_this_python() -> None:
    """It may ask for a later patch release than there is. What it uses is in the first one, too."""
    import homeassistant.const

    homeassistant.const.REQUIRED_PYTHON_VER = min(homeassistant.const.REQUIRED_PYTHON_VER, sys.version_info[:3])


if __name__ == "__main__":
    stay_on_loopback()
    accept_this_python()
    from homeassistant.__main__ import main

    sys.exit(main())
