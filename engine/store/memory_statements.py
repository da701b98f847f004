# ruff: noqa: ARG001
"""What the twin of Postgres does for each statement of the stores.

Rule: one small function a statement, found by the statement's own text, so that a statement that changes is either
taught anew or fails loudly. Ids are 16 bytes inside and ``uuid.UUID`` outside, times microseconds inside and
``datetime`` outside, as psycopg has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from engine.store import archive, books, cases, commands, commit, crashes, leases, outbox, recoveries, sources
from ledger import binary
from ledger import store as ledger

if TYPE_CHECKING:
    from engine.store.memory import Answer, Handler, MemoryPostgres, Row

HANDLERS: dict[str, Handler] = {}
_BEFORE_ALL, _FINISHED = datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH, _DAY_0 = datetime(2000, 1, 1, tzinfo=UTC), date(2000, 1, 1)

Arguments = Sequence[Any]


def _on(*statements: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for statement in statements:
            HANDLERS[" ".join(statement.split())] = handler
        return handler

    return register


def _moment(micros: int) -> datetime:
    """A timestamptz as psycopg gives it."""
    return _EPOCH + timedelta(microseconds=micros)


def _id(shown: str | UUID) -> bytes:
    return shown.bytes if isinstance(shown, UUID) else bytes.fromhex(shown.replace("-", ""))


# -- leases ------------------------------------------------------------------------------------------------------------
# writer -> (number, epoch, owner, expires at)


@_on("insert into engine.leases (writer, writer_no) values (%s, %s) on conflict do nothing")
def _register(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    if given[0] in db.table("engine.leases"):
        return 0
    db.put("engine.leases", given[0], (given[1], 0, "", _BEFORE_ALL))
    return 1


@_on(leases._FREE)
def _free(db: MemoryPostgres, given: Any, session: int) -> Answer:
    found: list[Row] = []
    for writer in given["writers"]:
        number, epoch, owner, expires = db.table("engine.leases")[writer]
        if expires < db.now() or owner == given["owner"] or (given["locks"] + number, epoch) not in db.locks:
            found.append((writer,))
    return found


@_on(leases._STANDING)
def _standing(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.leases").get(given[1])
    if row is None:
        return []
    number, epoch, owner, expires = row
    return [(epoch, number, expires < db.now() or owner == given[0], expires == _FINISHED)]


@_on("select pg_try_advisory_xact_lock(%s::int, %s::int)")
def _try_lock(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(db.locks.get((given[0], given[1]), session) == session,)]


@_on("select pg_advisory_lock(%s::int, %s::int)")
def _lock(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    db.locks[given[0], given[1]] = session
    return [(None,)]


@_on(leases._TAKE)
def _take(db: MemoryPostgres, given: Any, session: int) -> Answer:
    number, epoch, owner, expires = db.table("engine.leases")[given["writer"]]
    if epoch != given["seen"] or not (given["gone"] or expires < db.now() or owner == given["owner"]):
        return []
    until = db.now() + timedelta(seconds=given["seconds"])
    db.put("engine.leases", given["writer"], (number, epoch + 1, given["owner"], until))
    return [(epoch + 1,)]


@_on("update engine.positions set epoch = %s where writer = %s")
def _fence_positions(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    mine = [key for key in db.table("engine.positions") if key[0] == given[1]]
    for key in mine:
        db.put("engine.positions", key, (db.table("engine.positions")[key][0], given[0]))
    return len(mine)


@_on(leases._RENEW)
def _renew(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    number, epoch, owner, _ = db.table("engine.leases")[given[1]]
    if epoch != given[2]:
        return 0
    db.put("engine.leases", given[1], (number, epoch, owner, db.now() + timedelta(seconds=given[0])))
    return 1


@_on(leases._GIVE_UP)
def _give_up(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    finished, writer, mine = given
    number, epoch, owner, _ = db.table("engine.leases")[writer]
    if epoch != mine:
        return 0
    db.put("engine.leases", writer, (number, epoch, owner, _FINISHED if finished else _BEFORE_ALL))
    return 1


@_on("select writer from engine.leases where writer_no = %s")
def _writer_of(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(writer,) for writer, row in db.table("engine.leases").items() if row[0] == given[0]]


# -- a writer's commit -------------------------------------------------------------------------------------------------


@_on("delete from engine.waiting where payment_id = any(%s::uuid[])")
def _no_longer_waiting(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return sum(db.remove("engine.waiting", _id(payment)) for payment in given[0])


@_on(commit._FENCE)
def _fence(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.leases").get(given[0])
    return [(1,)] if row is not None and row[1] == given[1] else []


@_on(commit._ADVANCE)
def _advance(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    moved, writer, epoch = 0, given[3], given[4]
    for source, before, after in zip(*given[:3], strict=True):
        if db.table("engine.positions").get((writer, source)) == (before, epoch):
            db.put("engine.positions", (writer, source), (after, epoch))
            moved += 1
    return moved


@_on("select source_id, next_offset from engine.positions where writer = %s")
def _positions(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(source, row[0]) for (writer, source), row in db.table("engine.positions").items() if writer == given[0]]


@_on("insert into engine.positions values (%s, %s, %s, %s) on conflict do nothing")
def _add_position(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    if (given[0], given[1]) in db.table("engine.positions"):
        return 0
    db.put("engine.positions", (given[0], given[1]), (given[2], given[3]))
    return 1


@_on(commit._DECIDED)
def _decided(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    inbox = db.table("engine.inbox")
    wanted = {(_id(payment), attempt) for payment, attempt in zip(*given, strict=True)}
    return [
        (UUID(bytes=key[0]), key[1], UUID(bytes=inbox[key][3])) for key in sorted(wanted) if key in inbox
    ]  # fmt: skip


@_on("select claim, message_id, digest from engine.claims where claim = any(%s::text[])")
def _claimed(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    taken = db.table("engine.claims")
    found = [(name, taken[name]) for name in given[0] if name in taken]
    return [(name, UUID(bytes=row[0]), UUID(bytes=row[1])) for name, row in found]


# -- the ledger --------------------------------------------------------------------------------------------------------
# accounts: number -> (book, participant, purpose, currency); balances: number -> (balance, credit line, sequence)


@_on(ledger._LOAD)
def _load_accounts(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    balances = db.table("ledger.balances")
    return [
        (number, *row[1:], *balances[number])
        for number, row in sorted(db.table("ledger.accounts").items())
        if row[0] == given[0]
    ]


@_on("select coalesce(max(account_id), 0) + 1 from ledger.accounts")
def _next_account(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(max(db.table("ledger.accounts"), default=0) + 1,)]


@_on("insert into ledger.accounts values (%s, %s, %s, %s, %s, %s)")
def _open_account(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    if any(row[:3] == tuple(given[1:4]) for row in db.table("ledger.accounts").values()):
        raise psycopg.errors.UniqueViolation("duplicate key value violates unique constraint of ledger.accounts")
    db.insert("ledger.accounts", given[0], tuple(given[1:5]))
    return 1


@_on("insert into ledger.balances values (%s, 0, %s, 0)")
def _open_balance(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    db.insert("ledger.balances", given[0], (0, given[1], 0))
    return 1


@_on(ledger._MOVE)
def _move(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    balances, moved = db.table("ledger.balances"), 0
    for number, balance, line, seq, before in zip(*given, strict=True):
        if number in balances and balances[number][2] == before:
            if line is not None and balance < 0 and balance + line < 0:
                raise psycopg.errors.CheckViolation(f"account {number} violates check constraint within_credit_line")
            db.put("ledger.balances", number, (balance, line, seq))
            moved += 1
    return moved


# -- books -------------------------------------------------------------------------------------------------------------


@_on("insert into engine.books values (%s, %s, %s, 'open', false, %s) on conflict do nothing")
def _first_day(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    if given[0] in db.table("engine.books"):
        return 0
    db.put("engine.books", given[0], (given[1], given[2], "open", False, given[3]))
    return 1


@_on("select book, currency, business_date, phase, stopped, day_from from engine.books where book = %s")
def _book(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.books").get(given[0])
    return [] if row is None else [(given[0], *row)]


@_on(books.SAVE)
def _save_book(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    currency = db.table("engine.books")[given[4]][0]
    db.put("engine.books", given[4], (currency, *given[:4]))
    return 1


@_on("select max(entry_id) from ledger.entries where entry_id >= %s and entry_id < %s")
def _last_entry(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(max((entry for entry in db.table("ledger.entries") if given[0] <= entry < given[1]), default=None),)]


@_on("update engine.waiting set position = %s, envelope = %s where payment_id = %s")
def _keep_place(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    key = _id(given[2])
    row = db.table("engine.waiting").get(key)
    if row is None:
        return 0
    db.put("engine.waiting", key, (*row[:2], given[0], *row[3:6], bytes(given[1])))
    return 1


@_on(books._WAITING)
def _waiting(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    steps: dict[bytes, int] = {}
    mine = [row for row in db.table("engine.waiting").values() if row[4] == given[0]]
    if mine:
        for payment, step in db.table("engine.transitions"):
            steps[payment] = max(step, steps.get(payment, 0))
    return [
        (row[6], row[5], row[1], row[2], None if row[3] is None else _DAY_0 + timedelta(days=row[3]), steps.get(row[0]))
        for row in sorted(mine, key=lambda row: row[1])
    ]


@_on(books._USED)
def _used_today(db: MemoryPostgres, given: Any, session: int) -> Answer:
    entries = db.table("ledger.entries")
    sides: dict[int, list[int]] = {}
    for account, _, entry, amount, _ in db.table("ledger.postings").values():
        if given["first"] <= entry < given["after"] and entries[entry][1] is not None:
            side = sides.setdefault(entry, [0, 0, 0])
            side[0 if amount < 0 else 1] = account
            side[2] = max(side[2], amount)
    sums: dict[tuple[int, int], int] = {}
    for debit, credit, amount in sides.values():
        sums[debit, credit] = sums.get((debit, credit), 0) + amount
    return [(*pair, amount) for pair, amount in sorted(sums.items())]


@_on("select command_id::text, ok, result from engine.commands where command_id = any(%s::uuid[])")
def _results(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    known = db.table("engine.commands")
    return [(shown, known[_id(shown)][4], known[_id(shown)][3]) for shown in given[0] if _id(shown) in known]


@_on(commands._KEEP)
def _keep_result(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    identity, book, action, _, arguments, result, ok, routed, _ = given
    db.insert("engine.commands", _id(identity), (book, action, arguments, result, ok, routed))
    return 1


# -- outbox and relays -------------------------------------------------------------------------------------------------


@_on("select source_id, next_offset from engine.archived")
def _archived(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(source, row[0]) for source, row in db.table("engine.archived").items()]


@_on("insert into engine.relays (writer_no, published_seq) values (%s, 0) on conflict do nothing")
def _first_relay(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    if given[0] in db.table("engine.relays"):
        return 0
    db.put("engine.relays", given[0], (0, db.now()))
    return 1


@_on("select published_seq, at from engine.relays where writer_no = %s")
def _relay(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.relays").get(given[0])
    return [] if row is None else [row]


@_on(
    "update engine.relays set published_seq = greatest(published_seq, %s), at = clock_timestamp() where writer_no = %s"
)
def _checkpoint(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.relays").get(given[1])
    if row is None:
        return 0
    db.put("engine.relays", given[1], (max(row[0], given[0]), db.now()))
    return 1


@_on("select coalesce(max(seq), 0) from engine.outbox where writer_no = %s")
def _last_seq(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(db.last_seq.get(given[0], 0),)]


@_on(outbox._SKIPPED)
def _skipped(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(0,)]  # the twin is never restored from a backup


@_on(recoveries._TOLD)
def _told(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return []


@_on(
    "select seq, payment_id, recipient, type, payload, at from engine.outbox where writer_no = %s and seq > %s"
    " order by seq"
)
def _unpublished(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    rows, number = db.table("engine.outbox"), given[0]
    found = [rows[number, seq] for seq in range(given[1] + 1, db.last_seq.get(number, 0) + 1) if (number, seq) in rows]
    return [(row[1], UUID(bytes=row[2]), row[4], row[5], row[6], _moment(row[3])) for row in found]


@_on(outbox._LATE)
def _late(db: MemoryPostgres, given: Any, session: int) -> Answer:
    inbox, since, writer = db.table("engine.inbox"), binary.micros(given["since"]), given["writer"]

    def shown(row: Row, step: int, state: str, reason: str | None, why: str | None, at: int) -> Row:
        # scheme, type, sender, debit, credit, reference, uetr, payments
        rest = (row[12], row[13], row[16], row[17], row[18], row[21], row[24], row[2])
        return (UUID(bytes=row[0]), row[1], step, state, reason, why, _moment(at), *rest)

    late = [
        shown(row, 0, row[10], row[25], row[26], row[5])
        for row in inbox.values()
        if row[5] >= since and row[11] == writer
    ]
    for payment, step, at, state, reason, cause in db.table("engine.transitions").values():
        row = inbox.get((payment, step // 1000))
        if at >= since and row is not None and row[11] == writer:
            late.append(shown(row, step, state, reason, cause, at))
    return sorted(late, key=lambda row: row[6])


@_on(outbox._FIRST_OUTCOMES)
def _first_outcomes(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    outcomes = db.table("engine.outcomes")
    found = sorted({_id(shown) for shown in given[0]} & outcomes.keys())
    return [(UUID(bytes=payment), outcomes[payment][4], *outcomes[payment][2:4]) for payment in found]


@_on(outbox._BY_NUMBER)
def _by_number(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    rows = db.table("engine.outbox")
    return [(*key, *rows[key][4:7]) for key in zip(*given, strict=True) if key in rows and rows[key][6]]


@_on("select seq, topic, partition, payload from engine.case_outbox where seq > %s order by seq")
def _case_outbox(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(seq, *row) for seq, row in sorted(db.table("engine.case_outbox").items()) if seq > given[0]]


# -- cases -------------------------------------------------------------------------------------------------------------
# (payment, attempt) -> (number, status, decision, decided at, kind, opened at, summary, hits, envelope)
# proposal -> (case, hash, decision, reason, good guys, their last day, by, at, approved by, at, dropped by, at)


@_on(cases._OPEN_CASE)
def _open_case(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    number = len(db.table("engine.cases")) + 1
    db.insert("engine.cases", (_id(given[0]), given[1]), (number, "open", None, None, *given[2:]))
    return 1


def _case_of(db: MemoryPostgres, number: int) -> tuple[Any, Row] | None:
    return next(((key, row) for key, row in db.table("engine.cases").items() if row[0] == number), None)


@_on(cases._CASE)
@_on(cases._CASE + " for update")
def _case(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    found = _case_of(db, given[0])
    if found is None:
        return []
    (payment, attempt), (_, status, decision, decided_at, *rest) = found
    return [(payment, attempt, status, *rest, decision, decided_at)]


@_on("update engine.cases set status = %s where case_id = %s")
def _case_status(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    found = _case_of(db, given[1])
    if found is None:
        return 0
    db.put("engine.cases", found[0], (found[1][0], given[0], *found[1][2:]))
    return 1


@_on(cases._DECIDED)
def _case_decided(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    found = _case_of(db, given[2])
    if found is None:
        return 0
    db.put("engine.cases", found[0], (found[1][0], given[0], given[1], db.now(), *found[1][4:]))
    return 1


@_on(cases._PROPOSALS)
def _proposals(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    rows = [row for _, row in sorted(db.table("engine.proposals").items()) if row[0] == given[0]]
    return [(*row[2:4], row[6], *row[4:6], row[1].hex(), *row[7:]) for row in rows]


def _standing_proposal(db: MemoryPostgres, case: int) -> tuple[Any, Row] | None:
    rows = db.table("engine.proposals").items()
    return next(((key, row) for key, row in rows if row[0] == case and row[11] is None), None)


@_on(cases._PROPOSE)
def _propose(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    case, digest, decision, reason, entries, expire, operator = given
    if _standing_proposal(db, case) is not None:
        raise psycopg.errors.UniqueViolation("duplicate key value violates unique constraint one_standing_proposal")
    last = None if expire is None else date.fromisoformat(expire)
    row = (case, bytes(digest), decision, reason, entries, last, operator, db.now(), None, None, None, None)
    db.put("engine.proposals", len(db.table("engine.proposals")) + 1, row)
    return 1


@_on(cases._APPROVED)
def _approved(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    operator, case, digest = given
    found = _standing_proposal(db, case)
    if found is None or found[1][8] is not None or found[1][1] != digest:
        return 0
    key, row = found
    if row[6] == operator:
        raise psycopg.errors.CheckViolation("who approves is who proposed")
    db.put("engine.proposals", key, (*row[:8], operator, db.now(), *row[10:]))
    return 1


@_on(cases._DROPPED)
def _dropped(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    found = _standing_proposal(db, given[1])
    if found is None or found[1][8] is not None:
        return 0
    db.put("engine.proposals", found[0], (*found[1][:10], given[0], db.now()))
    return 1


@_on(cases._LOCK_OUTBOX)
def _lock_cases(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(None,)]  # one transaction at a time


@_on(cases._SEND)
def _send_case(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    db.put("engine.case_outbox", len(db.table("engine.case_outbox")) + 1, tuple(given[1:]))
    return 1


# -- the archive -------------------------------------------------------------------------------------------------------
# (source, first offset) -> (next offset, offsets, sizes, received, digests, body)


@_on(archive.INSERT)
def _archive(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    source, first, after, _, _, *columns = given
    if after <= first:
        raise psycopg.errors.CheckViolation("a range of the archive ends before it begins")
    if any(row[0] > first and key[1] < after for key, row in _ranges(db, source)):
        raise psycopg.errors.ExclusionViolation("conflicting key value violates constraint ranges_never_overlap")
    db.insert("engine.archive", (source, first), (after, *columns))
    return 1


def _ranges(db: MemoryPostgres, source: int) -> list[tuple[tuple[int, int], Row]]:
    return [(key, row) for key, row in db.table("engine.archive").items() if key[0] == source]


@_on(archive.COVER)
def _cover(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.archived").get(given[0])
    if row is not None and row[0] >= given[1]:
        return 0
    db.put("engine.archived", given[0], (given[1],))
    return 1


@_on(
    "select offsets, sizes, received, digests, body from engine.archive where source_id = %s and first_offset < %s"
    " and next_offset > %s order by first_offset"
)
def _read_archive(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    source, after, first = given
    return [row[1:] for key, row in sorted(_ranges(db, source)) if key[1] < after and row[0] > first]


@_on(
    "select offsets from engine.archive where source_id = %s and first_offset < %s and next_offset > %s"
    " order by first_offset"
)
def _offsets(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [row[:1] for row in _read_archive(db, given, session)]  # type: ignore[union-attr]


@_on(archive._DONE)
def _done(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    low, high = _id(given[0]), _id(given[1])
    counts: dict[int, tuple[int, int]] = {}
    inbox = db.table("engine.inbox")
    for offset in range(int.from_bytes(low[4:12], "big"), int.from_bytes(high[4:12], "big")):
        index, stem = 0, low[:4] + offset.to_bytes(8, "big")
        while (row := inbox.get((stem + index.to_bytes(4, "big"), 0))) is not None:
            index += 1
            counts[offset] = (index, row[2])
    return [(offset,) for offset, (decided, payments) in counts.items() if decided == payments]


@_on("select source_id, done_through from engine.progress")
def _progress(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(source, row[0]) for source, row in db.table("engine.progress").items()]


@_on(
    "insert into engine.progress values (%s, %s) on conflict (source_id) do update"
    " set done_through = greatest(engine.progress.done_through, excluded.done_through)"
)
def _set_progress(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    before = db.table("engine.progress").get(given[0], (0,))[0]
    db.put("engine.progress", given[0], (max(before, given[1]),))
    return 1


# -- crashes -----------------------------------------------------------------------------------------------------------


@_on(crashes._COUNT)
def _count_crash(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    source, offset, error = given
    count = db.table("engine.crashes").get((source, offset), (0, ""))[0] + 1
    db.put("engine.crashes", (source, offset), (count, error))
    return [(count,)]


@_on('select source_id, "offset", error from engine.crashes where source_id = any(%s::int[]) and crashes >= %s')
def _put_aside(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    found = db.table("engine.crashes").items()
    return [(*key, row[1]) for key, row in found if key[0] in given[0] and row[0] >= given[1]]


@_on('select source_id, "offset", crashes, error from engine.crashes where source_id = any(%s::int[])')
def _suspects(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [(*key, *row) for key, row in db.table("engine.crashes").items() if key[0] in given[0]]


@_on('delete from engine.crashes where source_id = %s and "offset" = %s')
def _clear_crash(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return int(db.remove("engine.crashes", (given[0], given[1])))


@_on("select clean, marked_source, marked_offset from engine.runs where worker = %s")
def _run(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.runs").get(given[0])
    return [] if row is None else [row]


@_on(
    "insert into engine.runs (worker, clean, marked_source, marked_offset) values (%s, %s, %s, %s)"
    " on conflict (worker) do update set clean = excluded.clean, marked_source = excluded.marked_source,"
    " marked_offset = excluded.marked_offset, at = now()"
)
def _set_run(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    db.put("engine.runs", given[0], tuple(given[1:]))
    return 1


# -- numbers of places and versions ------------------------------------------------------------------------------------


@_on(sources._FIND)
def _source(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.sources").get(tuple(given))
    return [] if row is None else [(row[0],)]


@_on(sources._REGISTER)
def _register_source(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    known = db.table("engine.sources")
    key = (given[0], given[1], given[3])
    if key in known:
        return 0
    db.put("engine.sources", key, (len(known) + 1, given[2], given[3]))
    return 1


@_on("select topic, partition from engine.sources where source_id = %s")
def _place(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    return [row[1:] for row in db.table("engine.sources").values() if row[0] == given[0]]


@_on("select versions from engine.versions where list_version = %s and settings_version = %s and reference = %s")
def _version(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    row = db.table("engine.versions").get(tuple(given))
    return [] if row is None else [row]


@_on(
    "insert into engine.versions (list_version, settings_version, reference) values (%s, %s, %s) on conflict do nothing"
)
def _new_version(db: MemoryPostgres, given: Arguments, session: int) -> Answer:
    known = db.table("engine.versions")
    if tuple(given) in known:
        return 0
    db.put("engine.versions", tuple(given), (len(known) + 1,))
    return 1
