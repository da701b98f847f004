"""The watchdog: a worker that hangs where no signal reaches it is ended, and shows where."""

from __future__ import annotations

import subprocess
import sys

HANGING = """
import re, sys
from engine.bus.watchdog import HangWatchdog
dog = HangWatchdog(0.5)
dog.working(0.0)
if sys.argv[1] == "idle":
    dog.idle()
    import time
    time.sleep(1.0)
    print("alive")
else:
    re.match(r"(a|aa)+$", "a" * 60 + "b")  # never returns, and holds the interpreter's lock
"""


def test_the_watchdog_ends_a_process_that_hangs_in_c_and_shows_where_and_spares_an_idle_one() -> None:
    command = [sys.executable, "-c", HANGING]
    hung = subprocess.run([*command, "hang"], capture_output=True, text=True, timeout=30, check=False)
    assert hung.returncode == 1
    assert "in match" in hung.stderr
    idle = subprocess.run([*command, "idle"], capture_output=True, text=True, timeout=30, check=False)
    assert (idle.returncode, idle.stdout.strip()) == (0, "alive")
