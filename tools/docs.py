"""Write ``docs/reference`` from the code: commands, settings, topics, states, schemes, formats, records, codes....

    .venv/bin/python tools/docs.py            write what differs
    .venv/bin/python tools/docs.py --check    write nothing; exit 1 when a page is out of step

Rule: a page is made from the tables that the program works with, never from a copy of them, and is the same wherever
it is made. `PAGES` is the whole list; ``tests/unit/test_docs.py`` fails when a committed page differs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
_HEAD = "<!-- Written from the code by tools/docs.py (make docs): edit the code, not this page. -->\n\n"


def cell(value: object) -> str:
    """Text for a cell of a table."""
    text = "" if value is None else str(value)
    return (
        " ".join(text.replace("|", "\\|").replace("<", "&lt;").split()) if "`" not in text else text.replace("|", "\\|")
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# -- commands ----------------------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments, options, example and exit statuses."""
    from engine.cli import COMMANDS, load_command

    parts = [
        "# Commands\n\n"
        "Every command takes `--help`. With `--json` stdout holds one JSON object a line and nothing else;"
        " talk and progress go to stderr. What an exit status means: [exit statuses](exit-statuses.md).\n",
    ]
    for group in dict.fromkeys(row.group for row in COMMANDS):
        parts.append(f"## {group}\n")
        for row in COMMANDS:
            if row.group != group:
                continue
            command = load_command(row)
            inner = getattr(command, "commands", None)
            if inner is None:
                parts.append(_command(f"qenex {row.name}", command, "###"))
            else:
                parts.append(f"### `qenex {row.name}`\n\n{command.help or row.help}\n")
                parts += [_command(f"qenex {row.name} {name}", each, "####") for name, each in inner.items()]
    return "\n".join(parts)


def _command(name: str, command: Any, level: str) -> str:
    usage = [name]
    rows = []
    for parameter in command.params:
        if type(parameter).__name__.endswith("Argument"):
            shown = parameter.metavar or parameter.name.upper()
            usage.append(shown if parameter.required else f"[{shown}]")
            rows.append((f"`{shown}`", parameter.help))
        else:
            names = ", ".join(f"`{option}`" for option in parameter.opts)
            value = _accepts(parameter)
            default = "" if parameter.default in (None, False) else f" Default: {parameter.default}."
            needed = " Needed." if parameter.required else ""
            rows.append((f"{names}{f' {value}' if value else ''}", f"{parameter.help or ''}{needed}{default}"))
            if parameter.required:
                usage.append(f"{parameter.opts[0]} {value}")
    text = re.sub(r"^Example: (?!`)(.+)$", r"Example: `\1`", command.help or "", flags=re.MULTILINE)
    return (
        f"{level} `{name}`\n\n`{' '.join(usage)} [OPTIONS]`\n\n{text.strip()}\n\n{table(('Option', 'Meaning'), rows)}"
    )


def _accepts(parameter: Any) -> str:
    """The value of an option as it is typed; empty for a switch."""
    if parameter.is_flag:
        return ""
    annotation = parameter.type_descriptor.annotation
    if get_origin(annotation) is list:
        (annotation,) = get_args(annotation)
    if get_origin(annotation) is Literal:
        return "/".join(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "/".join(str(member.value) for member in annotation)
    names = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
    return str(parameter.metavar or names.get(annotation, "TEXT"))


def exit_statuses() -> str:
    """What a command's exit status says."""
    from engine import errors

    faults = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.EngineFault)]
    meaning = {
        0: "done",
        1: "done, and something was refused or found wrong: a rejected message, a broken invariant, a rule of a case",
        2: "wrong usage, or a file that cannot be read",
        3: "a needed service does not answer, or a piece of the local stack is broken; the message names it",
        70: "an error of ours: the message says where; nothing of the input is to blame",
        130: "interrupted",
    }
    by_status: dict[int, list[str]] = {}
    for fault in faults[1:]:
        by_status.setdefault(fault.exit_status, []).append(f"`{fault.__name__}`")
    rows = [(status, text, ", ".join(by_status.get(status, []))) for status, text in meaning.items()]
    return "# Exit statuses\n\n" + table(("Status", "Meaning", "Raised in the code as"), rows)


def roles() -> str:
    """Roles of operators."""
    from engine.roles import ROLES

    permissions = sorted({each for role in ROLES.values() for each in role.may})
    rows = [
        (f"`{name}`", role.help, *("yes" if each in role.may else "" for each in permissions))
        for name, role in ROLES.items()
    ]
    text = (
        "# Roles\n\n"
        "An operator is added with one role: `qenex operators add NAME --role ROLE`. Who acts is who holds the"
        " token. No one approves what he proposed himself, whatever his role.\n\n"
    )
    return text + table(("Role", "Who has it", *(f"`{each}`" for each in permissions)), rows)


# -- settings and topics -----------------------------------------------------------------------------------------------


def settings() -> str:
    """Every setting: variable, default, what it accepts."""
    from engine.settings import Settings, accepted

    rows = []
    for name, info in Settings.model_fields.items():
        what = accepted(info)
        if info.description and info.description not in what:
            what = f"{what}; {info.description}"
        default = "unset" if info.default is None else f"`{info.default}`"
        rows.append((f"`QENEX_{name.upper()}`", f"`{name}`", default, what))
    text = (
        "# Settings\n\n"
        "Each setting is a variable of the environment or a line of one TOML file (`QENEX_CONFIG` names it;"
        " else `qenex.toml` in the current folder; names in small letters, no table). An option of the command line"
        " comes first, then the environment, then the file, then the default. A bad value stops the process before it"
        " opens anything. `qenex config` prints what is in force and where it comes from, secrets masked.\n\n"
    )
    return text + table(("Variable", "In the file", "Default", "Accepts"), rows)


def topics() -> str:
    """The topics and the headers of their messages."""
    from engine.bus import topics as contracts
    from settlement.schemes import BOOKS

    headers = (
        (
            "`lau`",
            "ingest",
            "hex HMAC-SHA256 of the value under the sender's key; without a valid one the message is refused",
        ),
        ("`ce_specversion`", "outbound, events", "`1.0`"),
        ("`ce_id`", "outbound, events", "unique for each; a recipient drops what comes again under the same one"),
        ("`ce_source`", "outbound, events", "who made it: the writer"),
        ("`ce_type`", "outbound, events", "its type: `ACK`, `MT900`, `pacs.002`, `NACHA`, `state`..."),
        ("`ce_time`", "events", "when it was committed, ISO 8601, UTC"),
        ("`ce_subject`", "outbound", "id of the payment that it is about: `qenex trace` takes it"),
        ("`traceparent`", "any", "W3C Trace Context, handed on where it is there"),
        (
            "`source`, `stage`, `error`, `cut-from`",
            "`deadletter`",
            "where the copy comes from, which stage failed, the error, the length of a value that was cut",
        ),
    )
    books = ", ".join(f"{number} = {book}" for number, book in enumerate(BOOKS))
    parts = (
        "# Topics\n\n"
        "Created by `qenex up` from this table; Kafka does not create topics by itself here. The key of an ingest"
        " message is its sender's BIC of 11 characters or routing number: order holds for each sender. A message has at"
        f' most {contracts.MAX_MESSAGE_BYTES} bytes. Partitions "one a book": {books}.\n',
        contracts.as_markdown(),
        "## Headers\n\n"
        "CloudEvents 1.0 in Kafka's binary mode. A sender sets `lau`; the others are for whoever wants them.\n",
        table(("Header", "On", "Meaning"), headers),
    )
    return "\n".join(parts)


# -- states, schemes, formats, codes -----------------------------------------------------------------------------------


def states() -> str:
    """The states of a payment, and of a case."""
    from engine.compliance import cases
    from settlement import day, lifecycle

    rows = [
        (f"`{state}`", ", ".join(lifecycle.TRANSITIONS[state]) or "final", lifecycle.ISO_STATUS[state])
        for state in lifecycle.State
    ]
    of_cases = [(f"`{before}`", action, f"`{after}`") for (before, action), after in cases.TRANSITIONS.items()]
    of_days = [
        (f"`{before}`", order, f"`{after}`", ", ".join(duties) or "nothing")
        for (before, order), (after, duties) in day.PHASES.items()
    ]
    parts = (
        "# States\n\n"
        "One table in `settlement/lifecycle.py` draws this, feeds the tests and guards the database. A message's"
        " outcome is the state that its payments share, `PARTIAL` when they differ, nothing while one is undecided.\n",
        f"```mermaid\n{lifecycle.mermaid()}```\n",
        table(("State", "May become", "ISO 20022 status"), rows),
        "## A case\n",
        table(("Status", "Action", "Becomes"), of_cases),
        "## A business day\n",
        table(("Phase", "Told", "Becomes", "The book's writer then"), of_days),
    )
    return "\n".join(parts)


def schemes() -> str:
    """The schemes, a column each."""
    from payments import Money
    from settlement.schemes import BOOK_CURRENCY, BOOKS, SCHEMES, Scheme

    found = [scheme for name, scheme in SCHEMES.items() if name == scheme.name]

    def accepts(scheme: Scheme) -> str:
        return "; ".join(
            f"{name}: {', '.join(sorted(types)) if types else 'all'}" for name, types in scheme.accepts.items()
        )

    def clock(scheme: Scheme) -> str:
        if scheme.customer_cut_off is None or scheme.interbank_cut_off is None:
            return "none"
        return f"customer {scheme.customer_cut_off:%H:%M}, interbank {scheme.interbank_cut_off:%H:%M} {scheme.zone}"

    lines: list[tuple[str, Callable[[Scheme], object]]] = [
        ("Other name", lambda s: ", ".join(s.aliases)),
        ("Currency", lambda s: s.currency),
        ("Settles in", lambda s: ", else ".join(s.books)),
        ("Messages", accepts),
        ("Amount", lambda s: f"{Money(s.minimum, s.currency)} to {Money(s.maximum, s.currency)}"),
        ("May wait for funds", lambda s: "yes" if s.may_wait else "no: refused at once"),
        (
            "Parties are screened",
            lambda s: {"on": "yes", "off": "no", "own-lists": "against the operator's own lists"}[s.party_screening],
        ),
        ("Calendar", lambda s: s.calendar),
        ("Published cut-offs", clock),
        ("After the cut-off", lambda s: s.after_cut_off),
        ("Warehouse", lambda s: f"{s.warehouse_days} days"),
        ("Value date may lie back", lambda s: "any" if s.past_days is None else f"{s.past_days} days"),
        ("Answer within", lambda s: "" if s.time_out_seconds is None else f"{s.time_out_seconds} s"),
        ("Status when settled", lambda s: s.statuses.settled),
    ]
    books = [(f"`{book}`", BOOK_CURRENCY[book], number) for number, book in enumerate(BOOKS)]
    parts = (
        "# Schemes\n\n"
        "A scheme is a row of data in `settlement/schemes.py`. A message that names a scheme settles there or"
        " nowhere; one that names none goes by the first scheme that takes its type and currency. The day moves by"
        " command, so the published cut-offs are information; what counts is `qenex day`.\n",
        table(
            ("", *(f"`{scheme.name}`" for scheme in found)),
            [(name, *(show(scheme) for scheme in found)) for name, show in lines],
        ),
        "## Settlement systems\n",
        table(("System (book)", "Currency", "Partition of `payments.routed` and `ops.commands`"), books),
        "The reason codes of each scheme: [reason codes](reason-codes.md).\n",
    )
    return "\n".join(parts)


def formats() -> str:
    """What can be read."""
    from parsers.catalogue import formats as rows

    columns = ("format", "type", "version", "scheme", "checked")
    grouped: dict[tuple[object, ...], list[str]] = {}
    for row in rows():
        grouped.setdefault((row["format"], row["type"], row["scheme"], row["checked"]), []).append(row["version"] or "")
    lines = [
        (kind, name, ", ".join(filter(None, versions)), scheme, checked)
        for (kind, name, scheme, checked), versions in grouped.items()
    ]
    return "# Formats\n\nAs `qenex formats` prints it, versions of one message together.\n\n" + table(columns, lines)


def reason_codes() -> str:
    """Every code that a finding or an answer can carry, by where it comes from."""
    from dataclasses import fields

    from engine.compliance.decision import REGULATORY
    from engine.processors.parsing import NOT_AUTHENTIC
    from parsers.ach import rules as ach
    from parsers.swift_mt.codes import CODES
    from parsers.swift_mt.rule_tables import RULES
    from settlement.schemes import SCHEMES, Codes

    found = [scheme for name, scheme in SCHEMES.items() if name == scheme.name]
    per_scheme = [
        (each.name.replace("_", " "), *(f"`{getattr(scheme.codes, each.name)}`" for scheme in found))
        for each in fields(Codes)
    ]
    swift = {code: (row.rule, row.remedy) for code, row in CODES.items()}
    for rules in RULES.values():
        for rule in rules:
            swift.setdefault(rule.code, (rule.text, rule.remedy))
    of_ach = [(f"`{rule.code}`", rule.level, rule.text, rule.remedy) for rule in ach.RULES.values()]
    others = (
        (f"`{NOT_AUTHENTIC}`", "the signature is missing or not that of the sender; nobody is answered"),
        (f"`{REGULATORY}`", "compliance refused it; the counterparty is not told which list or name"),
        ("`FF01`", "the schema, or the form that a usage rule asks for"),
        ("`FORMAT-UNKNOWN`", "nobody recognises the input"),
    )
    parts = (
        "# Reason codes\n\n"
        "A rejection carries the code that the counterparty receives. ISO 20022 codes are those of"
        " ExternalStatusReason1Code, SWIFT's those of its error list, ACH's the return codes of Nacha.\n",
        "## Of settlement, by scheme\n",
        table(("What is wrong", *(f"`{scheme.name}`" for scheme in found)), per_scheme),
        "## Of any message\n",
        table(("Code", "Meaning"), others),
        "## SWIFT MT\n",
        table(("Code", "Rule", "Remedy"), [(f"`{code}`", *text) for code, text in sorted(swift.items())]),
        "## ACH\n\nCodes of level entry are return codes: that entry alone goes back. The others fall with the file.\n",
        table(("Code", "Level", "Rule", "Remedy"), of_ach),
    )
    return "\n".join(parts)


# -- records, metrics, invariants --------------------------------------------------------------------------------------


def records() -> str:
    """The JSON shapes: what commands print, what goes over events."""
    import tempfile

    from engine.processors.batch import Event
    from engine.wire import Envelope

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "payment.fin"
        path.write_bytes(_sample())
        printed = _printed(["parse", "--json", str(path)])
    printed["file"] = "payment.fin"
    send = {
        "file": "payment.fin", "topic": "ingest.swift-mt", "partition": 0, "offset": 17, "outcome": "SETTLED",
        "duplicate_of": None,
        "payments": [
            {"id": "00000001-0000-0000-0000-001100000000", "state": "SETTLED", "reason": None, "amount": "7500.00",
             "currency": "EUR", "explanation": None},
        ],
        "type": "MT103", "sender": "AURODEFFXXX", "reference": "D261123093015-01",
        "received_at": "2026-11-23T09:30:15.120Z", "decided_at": "2026-11-23T09:30:15.164Z", "error": None,
    }  # fmt: skip
    parts = (
        "# Records\n\n"
        "Amounts are decimal strings in major units, dates ISO 8601, BICs 11 characters; a value that is not"
        " there is `null`. Records may gain fields; those shown here stay.\n",
        "## `qenex parse`\n\n"
        "One record a message; `qenex validate` leaves out `content`, `payments` and `statements`. `verdict` is"
        " `rejected` exactly when a finding has severity `error`. The same comes from Python:"
        " `parsers.parse(data) -> list[parsers.Message]`.\n",
        f"```json\n{json.dumps(printed, indent=1, ensure_ascii=False)}\n```\n",
        "A statement of account has no `payments` but `statements`, one a message. Amounts carry no sign:"
        " `credit_debit` says which way they go, a reversal by its effect. `details` are the parts of what the bank"
        " says of an entry, where it has a structure.\n",
        f"```json\n{json.dumps(_statement(), indent=1)}\n```\n",
        "## `qenex send`, `qenex demo`, `qenex trace`\n\n"
        "`outcome` is a [state](states.md), `PARTIAL`, or `null` while the"
        " message is in flight; without `--wait`, `send` does not look. `demo` adds `scene`, `expected`, `became`, `ms`"
        " (ingest to first decision), `outgoing`, `ok`, `problems`; `trace` adds `ref`, `id`, `archived`, `steps`,"
        " `postings`, `outgoing`, `anchor`.\n",
        f"```json\n{json.dumps(send, indent=1)}\n```\n",
        "## `payments.events`\n\n"
        "A message for each change of state; fields at their default are left out. `id` is the same"
        " however often one is sent.\n",
        _struct(Event),
        "## Between stages\n\n"
        "What `payments.routed`, `payments.rejected`, `payments.held`, `messages.noted` and"
        " `payments.released` carry: JSON with a version number; a reader accepts its own version and the one before."
        " These topics belong to the engine: integrate against ingest, outbound and events.\n",
        _struct(Envelope),
    )
    return "\n".join(parts)


def _statement() -> dict[str, object]:
    """The second of the statements that the tutorial reads."""
    import parsers

    messages = parsers.parse((FOLDER.parent / "examples" / "statement.sta").read_bytes())
    return messages[1].statements()[0].record()


def _sample() -> bytes:
    """The demonstration's MT103 with fixed dates and UETR."""
    from engine.demo.samples import Run, filled
    from payments import Money
    from settlement.schemes import BOOKS

    day = date(2026, 11, 23)
    run = Run(datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC), dict.fromkeys(BOOKS, day))
    text = filled("customer-transfer.fin", run, 1, Money(750_000, "EUR")).decode("ascii")
    return re.sub(r"\{121:[^}]*\}", "{121:3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94}", text).encode("ascii")


def _printed(arguments: list[str]) -> dict[str, Any]:
    """What a command prints with --json."""
    from contextlib import redirect_stdout
    from io import StringIO

    from engine import cli

    with redirect_stdout(StringIO()) as out:
        cli.run(arguments)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def _struct(kind: type[msgspec.Struct]) -> str:
    """Fields and types of a struct."""
    rows = []
    for each in msgspec.structs.fields(kind):
        shown = each.type if isinstance(each.type, type) and not get_args(each.type) else str(each.type)
        text = shown.__name__ if isinstance(shown, type) else re.sub(r"\b(?:[a-z_0-9]+\.)+(?=[A-Z])", "", shown)
        rows.append((f"`{each.encode_name}`", f"`{text}`"))
    return table(("Field", "Type"), rows)


def metrics() -> str:
    """Metrics and health of a worker."""
    from engine.observability.metrics import WorkerMetrics

    rows = []
    registry: Any = WorkerMetrics("docs").registry  # the names of its labels are not public
    for collector, names in registry._collector_to_names.items():
        if names and names[0].startswith("qenex_"):
            kind = collector._type
            shown = f"{names[0]}_total" if kind == "counter" else names[0]
            rows.append(
                (
                    f"`{shown}`",
                    kind,
                    ", ".join(f"`{label}`" for label in collector._labelnames),
                    collector._documentation,
                )
            )
    text = (
        "# Metrics and health\n\n"
        "Each worker serves `/metrics` (Prometheus) and `/health` (JSON; status 200 when it is"
        " well, else 503) on one port: `qenex status` shows it; `QENEX_METRICS_PORT` fixes the first. The standard"
        " `process_` and `python_` figures are there too. No label holds a payment, a BIC or an account.\n\n"
    )
    return text + table(("Name", "Kind", "Labels", "Meaning"), rows)


def invariants() -> str:
    """What ``qenex audit`` proves."""
    from engine import audit
    from engine.store import audits

    rows = [(f"`{check}`", audits.proves(name)) for check, name in audit.SQL_CHECKS]
    rows += [(f"`{check}`", text) for check, text in audit._PROVES.items()]
    text = (
        "# Invariants\n\n"
        "`qenex audit` looks at every record that a sentence is about and prints a line for each:"
        " `check`, `ok`, `examined`, `violations`, `detail`.\n\n"
    )
    return text + table(("Check", "What it proves"), rows)


def swift_mt() -> str:
    """Types, fields, rules and codes of SWIFT MT."""
    from tools.docs_swift_mt import page

    return page(table)


def faults() -> str:
    """The fault matrix."""
    from tools.docs_faults import page

    return page(table)


#: File name -> what makes it.
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "exit-statuses.md": exit_statuses,
    "roles.md": roles,
    "settings.md": settings,
    "topics.md": topics,
    "states.md": states,
    "schemes.md": schemes,
    "formats.md": formats,
    "reason-codes.md": reason_codes,
    "swift-mt.md": swift_mt,
    "records.md": records,
    "metrics.md": metrics,
    "invariants.md": invariants,
    "faults.md": faults,
}


def made(name: str) -> str:
    """The text of a page as the code has it now."""
    return _HEAD + PAGES[name]().rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the pages that differ, or only say which do."""
    differ = [name for name in PAGES if not _same(name)]
    for name in differ:
        print(f"docs/reference/{name}")
        if "--check" not in arguments:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(made(name), encoding="utf-8")
    return int(bool(differ) and "--check" in arguments)


def _same(name: str) -> bool:
    path = FOLDER / name
    return path.is_file() and path.read_text(encoding="utf-8") == made(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
