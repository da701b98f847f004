"""``python -m tools.broken_inputs [--count 1000] [--seed N] [--json]``: broken inputs of each family, one table.

Exit 1 when a kind did not get what was expected, a good payment suffered, or anything was lost.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engine.settings import load
from engine.stack.local import LocalStack
from engine.testbed.bed import Bed
from tools.broken_inputs.run import by_family, run, shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run on a stack of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.broken_inputs", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="broken inputs of each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the data folder behind")
    given = parser.parse_args(arguments)
    root = Path(tempfile.mkdtemp(prefix="qenex-broken-"))
    root.chmod(0o755)  # Postgres runs as another user when root runs this
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    try:
        with LocalStack(root / "data", workers=True, settings=load(), say=say) as stack:
            bed = Bed(stack)
            bed.populate()
            say("sending")
            with bed.tended():
                report = run(bed, seed=given.seed, per_family=given.count, name="B")
            restarts = dict(bed.restarts)
    finally:
        if given.keep:
            say(f"left behind: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    rows = (*report.rows, report.good, report.repeated)
    if given.json:
        for row in rows:
            print(json.dumps(row.record()))
        for check in report.checks:
            print(json.dumps(check.record()))
    else:
        print("\n".join(shown(rows)))
        for check in report.checks:
            print(
                f"{'ok   ' if check.ok else 'WRONG'} {check.name:34} {check.examined:5}  {'; '.join(check.wrong[:3])}"
            )
        print(f"sent {by_family(report.rows)}, workers that had to be started again: {restarts or 'none'}")
    return 0 if report.ok and not restarts else 1


if __name__ == "__main__":
    sys.exit(main())
