"""``qenex simulate``: the seeded fault simulation."""

from __future__ import annotations

import time
from collections import Counter
from typing import Annotated

import typer

from engine.commands.output import JsonOption, json_line, say, table
from engine.errors import UsageFault
from engine.simulation import run
from engine.simulation.checker import INVARIANTS
from engine.simulation.faults import FAULTS
from engine.simulation.history import Verdict
from engine.simulation.sabotage import SABOTAGES, says


def simulate(
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the first history.")] = 1,
    steps: Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Steps of a history.")] = run.STEPS,
    histories: Annotated[
        int | None,
        typer.Option(
            "--histories", metavar="N", min=1, help="Histories, each with the next seed (1; 10 to find a sabotage)."
        ),
    ] = None,
    sabotage: Annotated[
        str | None,
        typer.Option("--sabotage", metavar="NAME", help="Plant a defect, which has to be found; list names them."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Processes that run histories.")] = 1,
    json: JsonOption = False,
) -> int:
    """Run the engine on a bus and a database in memory, with faults that follow from a seed, and check every step.

    Exit 1 when an invariant broke: the line says which, at which step, and what replays it. Needs no service.

    Example: `qenex simulate --seed 7 --histories 20`
    """
    if sabotage == "list":
        _list(json)
        return 0
    if sabotage is not None and sabotage not in SABOTAGES:
        raise UsageFault(f"There is no sabotage {sabotage!r}; there are: {', '.join(SABOTAGES)}.")
    count = histories or (1 if sabotage is None else run.SABOTAGE_HISTORIES)
    began = time.monotonic()
    faults: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    done, walked, payments, broken = 0, 0, 0, list[Verdict]()
    for verdict in run.run_many(seed, steps, count, sabotage, jobs):
        done, walked, payments = done + 1, walked + verdict.steps, payments + verdict.payments
        faults += verdict.faults
        checked += verdict.checked
        if verdict.invariant is not None:
            broken.append(verdict)
            _tell(verdict, walked, steps, sabotage, json)
        elif not json and done % 100 == 0:
            say(f"{done} histories, {walked} steps, {payments} payments")
    seconds = time.monotonic() - began
    _summary(faults, checked, json)
    record = {
        "seed": seed, "histories": done, "steps": walked, "payments": payments, "broken": len(broken),
        "faults": sum(faults.values()), "checks": sum(checked.values()), "sabotage": sabotage,
        "seconds": round(seconds, 1), "histories_per_minute": round(done / seconds * 60, 1),
    }  # fmt: skip
    if json:
        json_line({"kind": "summary", **record})
    else:
        typer.echo(
            f"{done} histories of {steps} steps from seed {seed}: {payments} payments, {record['faults']} faults,"
            f" {record['checks']} checks, {record['histories_per_minute']} histories a minute."
        )
        typer.echo(f"{len(broken)} broke an invariant." if broken else "Every invariant held.")
    return int(bool(broken))


def _tell(verdict: Verdict, walked: int, steps: int, sabotage: str | None, json: bool) -> None:
    """A history that broke: invariant, step, seed, and the command line that replays it."""
    replay = run.command_line(verdict, steps, sabotage)
    if json:
        json_line({
            "kind": "broken", "invariant": verdict.invariant, "text": verdict.text, "seed": verdict.seed,
            "step": verdict.steps, "steps_in_all": walked, "sabotage": sabotage, "replay": replay,
        })  # fmt: skip
        return
    typer.echo(
        f"{verdict.invariant} broke at step {verdict.steps} of seed {verdict.seed} (after {walked} steps in all):"
    )
    typer.echo(f"  {verdict.text}")
    typer.echo(f"  replay: {replay}")


def _list(json: bool) -> None:
    """The sabotages, one a line."""
    for name in SABOTAGES:
        if json:
            json_line({"sabotage": name, "breaks": says(name)})
        else:
            typer.echo(name)


def _summary(faults: Counter[str], checked: Counter[str], json: bool) -> None:
    """Faults injected and invariants checked."""
    injected = [{"fault": name, "injected": faults[name], "is": text} for name, text in FAULTS.items()]
    looked = [{"invariant": name, "checked": checked[name], "says": text} for name, text in INVARIANTS.items()]
    if json:
        for kind, records in (("fault", injected), ("invariant", looked)):
            for one in records:
                json_line({"kind": kind, **one})
        return
    table(injected, ["fault", "injected", "is"], right="injected")
    table(looked, ["invariant", "checked", "says"], right="checked")
