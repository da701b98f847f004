"""What operators' commands do to a book, in its writer, each in a commit of its own with its result.

Rule: commands are applied in order, once each (by id), and the result is stored with the routed offset after which
they applied. A command that cannot be carried out says why and changes nothing. All postings, opening balances too,
go through here against the operator's own account.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from engine import commanding, ids
from engine.bus.record import Record
from engine.processors import outbound
from engine.processors.batch import Batch, Waiting
from engine.processors.book_state import LIQUIDITY, instruction_of, settlement_account
from engine.processors.outbound import Correspondence
from engine.processors.settlement import BookWriter
from engine.store import books, commands
from engine.store.commit import AlreadyDecidedError
from engine.wire import Rejection
from ledger import Account, store
from payments import Money
from settlement.admission import admit
from settlement.day import BusinessDay, Command, Duty, Phase, turn
from settlement.instruction import Priority
from settlement.lifecycle import State

#: Books open accounts at the same time, and numbers are given out by all of them together.
_ATTEMPTS = 20


class RefusedError(Exception):
    """A command that cannot be carried out now; the message says why. Nothing has changed."""


class BookCommands:
    """Applies commands through a book's writer."""

    def __init__(self, writer: BookWriter) -> None:
        self._writer = writer
        self._actions: dict[str, Callable[[commanding.Command, Batch], str]] = {
            "open-account": self._open_account,
            "set-credit-line": self._set_credit_line,
            "cancel": self._cancel,
            "move": self._move,
            "priority": self._priority,
            "open-day": self._open_day,
            "cut-off": self._cut_off,
            "close-day": self._close_day,
            "stop": self._stop,
            "resume": self._resume,
        }

    def apply(self, record: Record, routed_offset: int) -> None:
        """One record of ``ops.commands``: carried out or refused, its position and result in one commit."""
        for _ in range(_ATTEMPTS):
            try:
                self._apply(record, routed_offset)
                return
            except AlreadyDecidedError:  # another book's writer has taken the account number meanwhile
                self._writer.reload()
        raise RuntimeError(f"{self._writer.ports.name}: a command collides again and again")

    def _apply(self, record: Record, routed_offset: int) -> None:
        writer = self._writer
        source = writer.ports.sources[record.topic, record.partition]
        batch = writer.new_batch()
        batch.changes.positions = [(source, writer.positions[source], record.offset + 1)]
        try:
            command = commanding.decode(record.value)
        except commanding.CommandError:
            command = None
        if command is not None and not self._known(command):
            ok, text = True, ""
            try:
                text = self._actions[command.action](command, batch)
            except RefusedError as refused:
                writer.reload()
                batch = writer.new_batch()
                batch.changes.positions = [(source, writer.positions[source], record.offset + 1)]
                ok, text = False, str(refused)
            identity = (command.id, command.book, command.action, command.operator)
            batch.changes.statements.append(
                commands.keep_result(identity, command.arguments, text, ok, routed_offset, batch.now)
            )
        writer.commit(batch)
        writer.positions[source] = record.offset + 1

    def _known(self, command: commanding.Command) -> bool:
        return bool(commands.results(self._writer.ports.connection, [command.id]))

    # -- accounts ------------------------------------------------------------------------------------------------------

    def _open_account(self, command: commanding.Command, batch: Batch) -> str:
        state = self._writer.state
        participant = str(command.arguments["participant"])
        opening, line = int(command.arguments["opening_balance"]), int(command.arguments["credit_line"])
        if participant in set(state.book.participants()):
            raise RefusedError(f"{participant} has an account in {state.row.book} already")
        number = store.next_account_number(self._writer.ports.connection.cursor())
        opened = []
        if not any(account.purpose == "contra" for account in state.ledger.accounts.values()):
            opened.append(Account(number, LIQUIDITY, "contra", state.row.currency, 0, None, 0))
            number += 1
        opened.append(Account(number, participant, "settlement", state.row.currency, 0, line, 0))
        for account in opened:
            state.ledger.add(account)
            state.book.open(settlement_account(account))
            batch.changes.statements.extend(store.opening(state.row.book, account, batch.now))
        if opening > 0:
            contra = next(a.number for a in state.ledger.accounts.values() if a.purpose == "contra")
            state.book.post(contra, number, opening, "opening")
        state.forget_members()
        return f"account {number} opened with {Money(opening, state.row.currency)}"

    def _set_credit_line(self, command: commanding.Command, batch: Batch) -> str:
        state = self._writer.state
        participant, line = str(command.arguments["participant"]), int(command.arguments["credit_line"])
        if participant not in set(state.book.participants()):
            raise RefusedError(f"{participant} has no account in {state.row.book}")
        account = state.book.account(participant)
        if account.balance + line < 0:
            drawn = Money(-account.balance, state.row.currency)
            raise RefusedError(f"{participant} has drawn {drawn}: a line below that is refused by the ledger")
        state.book.set_credit_line(participant, line)
        state.ledger.set_credit_line(account.number, line)
        self._release(batch)
        return f"credit line of {participant} is {Money(line, state.row.currency)}"

    # -- the queue -----------------------------------------------------------------------------------------------------

    def _queued(self, command: commanding.Command) -> Waiting:
        state = self._writer.state
        payment = ids.parse(str(command.arguments["payment_id"]))
        waiting = state.waiting.get(payment.hex()) if payment is not None else None
        if waiting is None:
            raise RefusedError(f"payment {command.arguments['payment_id']} does not wait in {state.row.book}")
        return waiting

    def _cancel(self, command: commanding.Command, batch: Batch) -> str:
        waiting = self._queued(command)
        text = f"cancelled by the operator: {command.arguments['reason']}"
        self._writer.withdraw(waiting, State.CANCELLED, "DS02", text, batch, self._letter(batch))
        self._release(batch)
        return "cancelled"

    def _move(self, command: commanding.Command, batch: Batch) -> str:
        waiting = self._queued(command)
        key, to = waiting.envelope.payment_id.hex(), str(command.arguments["to"])
        if not self._writer.state.book.move(key, "head" if to == "head" else "tail"):
            raise RefusedError("the payment does not queue: it is warehoused")
        self._store_place(waiting, batch)
        self._release(batch)
        return f"moved to the {to} of its class"

    def _priority(self, command: commanding.Command, batch: Batch) -> str:
        waiting = self._queued(command)
        priority = str(command.arguments["priority"])
        classes: dict[str, Priority] = {"urgent": "urgent", "high": "high", "normal": "normal"}
        if not self._writer.state.book.reprioritise(waiting.envelope.payment_id.hex(), classes[priority]):
            raise RefusedError("the payment does not queue: it is warehoused")
        assert waiting.envelope.route is not None
        waiting.envelope.route = msgspec.structs.replace(waiting.envelope.route, priority=priority)
        self._store_place(waiting, batch)
        self._release(batch)
        return f"priority is {priority}"

    def _store_place(self, waiting: Waiting, batch: Batch) -> None:
        """Replace the stored row: order and class outlive the writer."""
        waiting.position = self._writer.state.book.position(waiting.envelope.payment_id.hex())
        batch.changes.statements.append(books.keep_place(waiting.envelope, waiting.position))

    def _release(self, batch: Batch) -> None:
        self._writer.release(batch, self._letter(batch))

    # -- the day -------------------------------------------------------------------------------------------------------

    def _turn(self, command: Command) -> tuple[Duty, ...]:
        row = self._writer.state.row
        done = turn(BusinessDay(row.business_date, Phase(row.phase)), command, self._writer.state.calendar)
        if done.refusal is not None:
            raise RefusedError(done.refusal)
        row.business_date, row.phase = done.after.day, done.after.phase.value
        return done.duties

    def _cut_off(self, command: commanding.Command, batch: Batch) -> str:  # noqa: ARG002
        self._turn(Command.CUT_OFF)
        batch.changes.statements.append(books.save(self._writer.state.row))
        return "customer payments are over for today"

    def _close_day(self, command: commanding.Command, batch: Batch) -> str:  # noqa: ARG002
        state = self._writer.state
        self._turn(Command.CLOSE)
        self._release(batch)
        refused = state.book.close_queue()
        for key, reason in refused:
            waiting = state.waiting.pop(key)
            rejection = Rejection(reason.code, reason.text, "book")
            answers = outbound.answers(
                waiting.envelope, State.REJECTED, self._letter(batch), reason=rejection, first=False
            )
            batch.move(waiting, State.REJECTED, reason.text, reason=reason.code, answers=answers)
            batch.no_longer_waiting(waiting.envelope.payment_id)
        self._turn(Command.FINISH)
        batch.changes.statements.append(books.save(state.row))
        return f"{state.row.business_date} is closed; {len(refused)} queued payments were rejected"

    def _open_day(self, command: commanding.Command, batch: Batch) -> str:
        state = self._writer.state
        asked = command.arguments.get("date")
        if asked is not None and date.fromisoformat(str(asked)) <= state.row.business_date:
            raise RefusedError(f"{asked} is not after the business date {state.row.business_date}")
        self._turn(Command.OPEN)
        if asked is not None:
            state.row.business_date = state.calendar.following(date.fromisoformat(str(asked)))
        state.row.day_from = state.ledger.next_entry
        state.book.open_day()
        batch.changes.statements.append(books.save(state.row))
        count = self._release_warehouse(batch)
        return f"{state.row.business_date} is open; {count} warehoused payments came due"

    def _release_warehouse(self, batch: Batch) -> int:
        """Payments whose date has come are admitted as of today, in order of arrival."""
        state = self._writer.state
        today = state.row.business_date
        due = [
            waiting
            for waiting in state.waiting.values()
            if waiting.state is State.WAREHOUSED and waiting.until is not None and waiting.until <= today
        ]
        facts = state.facts()
        for waiting in sorted(due, key=lambda one: one.arrival):
            instruction = instruction_of(waiting.envelope, waiting.arrival)
            admission = admit(instruction, facts, due=today.isoformat())
            self._writer.resume(waiting, instruction, admission, batch, self._letter(batch))
        self._release(batch)
        # One that queued and then went all the same is in the rows to be kept: it is taken out behind them.
        gone = [one.envelope.payment_id for one in due if one.envelope.payment_id.hex() not in state.waiting]
        if gone:
            batch.changes.statements.append(books.forget(gone))
        return len(due)

    def _stop(self, command: commanding.Command, batch: Batch) -> str:  # noqa: ARG002
        return self._set_stopped(batch, True)

    def _resume(self, command: commanding.Command, batch: Batch) -> str:  # noqa: ARG002
        return self._set_stopped(batch, False)

    def _set_stopped(self, batch: Batch, stopped: bool) -> str:
        row = self._writer.state.row
        if row.stopped == stopped:
            raise RefusedError(f"{row.book} is {'stopped' if stopped else 'running'} already")
        row.stopped = stopped
        batch.changes.statements.append(books.save(row))
        return f"{row.book} is {'stopped: payments wait on the bus' if stopped else 'running again'}"

    def _letter(self, batch: Batch) -> Correspondence:
        return Correspondence(self._writer.ports.operator, batch.shown_at)
