"""``docs/reference/faults.md``: the fault matrix, the points at which a worker can die, and what is judged."""

from __future__ import annotations

from collections.abc import Callable


def page(table: Callable[..., str]) -> str:
    """The page, from the tables that ``qenex faults`` works with."""
    from engine.faults import checker
    from engine.faults.points import CLOCK, POINTS, POISON
    from engine.faults.rows import CASES

    chain = "with the chain"
    rows = [
        (case.row, f"`{case.name}`", case.fault, case.at_risk, _how(case.play, chain))
        for case in sorted(CASES, key=lambda case: case.row)
    ]
    points = [(f"`{point.title}`", f"{point.when} `{point.target.partition(':')[2]}`", point.says) for point in POINTS]
    judged = [(f"`{check.__name__}`", (check.__doc__ or "").strip()) for check in checker.CHECKS]
    return (
        "# Faults\n\n"
        "`qenex faults` starts Kafka, Postgres and the workers in a folder of its own, with a proxy before each"
        " service, plays each case under load, and judges it; `--row N` and `--case NAME` play some. The exit"
        " status is 1 when an invariant does not hold. A case that cannot be played on a machine says why; one"
        " that could not be finished counts as broken. How failover is measured: [failover](../how-to/failover.md).\n\n"
        "## Cases\n\n"
        f"{table(('Row', 'Case', 'What is done', 'Most at risk', 'Played'), rows)}\n"
        "## What is judged\n\n"
        "Testers write a history, one JSON object a line: `at` (seconds), `type` (`invoke`, then `ok`, `fail` or"
        " `info`: nobody knows), `op` (`send`, `totals`, `outcome`, `fault`), `id`. `--history DIR` keeps it."
        " Judged are the history, by\n\n"
        f"{table(('Check', 'What holds'), judged)}\n"
        "the database and the outgoing topics: every acknowledged message is on its topic and in the archive with the"
        " bytes that were sent, has one outcome, its answers went out once and in order, balances are what the"
        " decisions make them; and every [invariant of the audit](invariants.md), with nothing in flight.\n\n"
        "## Points\n\n"
        "A worker that is started with `QENEX_CRASH_POINT` kills itself (SIGKILL) at the named point. The setting is"
        " read once at the start of the process; without it nothing of this is loaded.\n\n"
        f"{table(('Point', 'Where', 'What has happened'), points)}\n"
        f"`{POISON}` makes the parser fail at messages that carry a certain text, `{CLOCK}` makes the worker's clock"
        " jump by up to two hours.\n"
    )


def _how(play: Callable[..., None] | None, without: str) -> str:
    """The second half of the first line of what plays a case: ``Row 3: ...``."""
    if play is None:
        return without
    return (play.__doc__ or "").splitlines()[0].partition(": ")[2]
