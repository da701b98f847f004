"""What banks send in a simulation: all families, repetitions, taken references, short funds, cancellations, nonsense.

Rule: each message comes with what it means (`Sent`), written down by who made it and never read back from a parser; so
the model of the bank knows what should become of it. Everything follows from the given random generator. Names, codes
and accounts are invented; check digits are right.
"""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

from engine.bus.record import Outgoing
from engine.bus.topics import INGEST_ACH, INGEST_ISO20022, INGEST_SEPA, INGEST_SWIFT_MT
from engine.compliance.watchlist import Entry, ListedName, WatchList
from engine.routing.directory import Directory, Reference
from parsers.ach import write_file
from payments import Agent, Money, Party, Payment, PaymentKind

Kind = Literal["pay", "broken", "held", "cancel", "note", "poison"]

#: The first business day of a history, a Tuesday on which every book is open.
DAY: Final = "2026-11-24"
_DAYS: Final = tuple((date(2026, 11, 24) + timedelta(number)).isoformat() for number in range(120))
_HOLIDAYS: Final = {"EUR": ("2026-12-25", "2027-01-01"), "USD": ("2026-11-26", "2026-12-25", "2027-01-01")}
_SHORT: Final = "261124"
EUROS: Final = ("NORDDEHHXXX", "SUEDDEMMXXX", "OSTADEBBXXX", "WESTDEKKXXX")
DOLLARS: Final = ("PLAIUS33XXX", "MESAUS44XXX", "DELTUS55XXX")
ROUTING: Final = {"PLAIUS33XXX": "081000210", "MESAUS44XXX": "081000223", "DELTUS55XXX": "081000236"}
#: Opening balance and credit line in minor units: little, so that payments wait for one another.
OPENING, LINE = 200_000, 50_000
LISTED: Final = "Wojtek Karabulut"
#: Payees that crash whoever handles their payments: the screening, a book.
POISON_OF_STAGES, POISON_OF_BOOKS = "ANTON ABSTURZ", "BERTA ABSTURZ"
OPERATOR: Final = "QNEXDEFFXXX"
_MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _week_days(currency: str) -> tuple[str, ...]:
    closed = _HOLIDAYS[currency]
    return tuple(day for day in _DAYS if date.fromisoformat(day).weekday() < 5 and day not in closed)


#: Book -> its business days, in order: by hand, not by the engine's calendars.
DAYS: Final = {
    "EUR-RTGS": _week_days("EUR"),
    "EUR-INST": _DAYS,
    "USD-ACH": _week_days("USD"),
    "USD-RTGS": _week_days("USD"),
}
RANKS: Final = {"urgent": 0, "high": 1, "normal": 2}


@dataclass(frozen=True, slots=True)
class Pay:
    """One payment as meant: ``waits`` is False where the scheme refuses instead of queueing.

    ``date``: its value date, which may lie ``past`` business days back. ``ends_early``: a customer's, over at cut-off.
    """

    book: str
    debit: str
    credit: str
    amount: int
    waits: bool = True
    date: str = DAY
    past: int = 0
    ends_early: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and its meaning. ``claim``: the reference that it takes, ``content`` what it says under it.

    ``cancels``: the claim of the payment that it asks to cancel. ``uetr``: how a later message names it.
    """

    topic: str
    sender: str
    value: bytes
    kind: Kind
    pays: tuple[Pay, ...] = ()
    claim: str = ""
    content: str = ""
    uetr: str = ""
    reference: str = ""
    cancels: str = ""

    @property
    def count(self) -> int:
        """Payments in it; a message without any counts as one."""
        return max(1, len(self.pays))

    def outgoing(self) -> Outgoing:
        """As the sender produces it, signed."""
        signature = hmac.digest(key_of(self.sender), self.value, "sha256").hex().encode()
        return Outgoing(self.topic, None, self.sender.encode(), self.value, {"lau": signature})


@lru_cache(maxsize=64)
def key_of(participant: str) -> bytes:
    """The key with which a participant signs."""
    return f"key of {participant}".encode().ljust(32, b".")


def directory() -> Directory:
    """The participants of every history."""

    def bank(bic: str, systems: tuple[str, ...], currency: str) -> dict[str, object]:
        accounts = [{"system": system, "currency": currency} for system in systems]
        routing = {"routing_number": ROUTING[bic]} if bic in ROUTING else {}
        return {"bic": bic, "name": f"{bic[:4].title()} Bank", "schemes": systems, "accounts": accounts, **routing}

    euros = [bank(bic, ("EUR-RTGS", "EUR-INST"), "EUR") for bic in EUROS]
    dollars = [bank(bic, ("USD-ACH", "USD-RTGS"), "USD") for bic in DOLLARS]
    return Directory(1, Reference.model_validate({"participants": [*euros, *dollars]}))


def accounts() -> list[tuple[str, str]]:
    """(book, participant) of every account that is opened."""
    return [(book, bic) for book in ("EUR-RTGS", "EUR-INST") for bic in EUROS] + [
        (book, bic) for book in ("USD-ACH", "USD-RTGS") for bic in DOLLARS
    ]


def watchlist() -> WatchList:
    """One listed person, so that something is held."""
    entry = Entry(id="S-1", list="SIM", type="person", names=(ListedName(LISTED),))
    return WatchList(source="simulation", date=DAY, entries=(entry,))


class Workload:
    """Makes messages; remembers some, to repeat, to contradict and to cancel them."""

    def __init__(
        self, chance: random.Random, today: Callable[[str], str] = lambda _: DAY, *, split: bool = False
    ) -> None:
        self._chance = chance
        self._today = today
        #: Stages apart from each other know what crashes the second of them: its reference counts.
        self._split = split
        self._number = 0
        self._sent: list[Sent] = []

    def next(self) -> Sent:
        """The next message."""
        chance, draw = self._chance, self._chance.random()
        if draw < 0.22 and self._sent:
            return self._again(chance.choice(self._sent[-12:]), draw)
        made = self._broken() if draw < 0.27 else self._note() if draw < 0.30 else self._payment()
        if draw > 0.99:
            payee = POISON_OF_STAGES if draw > 0.995 else POISON_OF_BOOKS
            made = self._mt103("EUR", EUROS, payee=payee, kind="poison")
            if not (self._split and payee == POISON_OF_STAGES):
                made = replace(made, claim="")
        if made.kind in ("pay", "held"):
            self._sent.append(made)
        return made

    def _again(self, before: Sent, draw: float) -> Sent:
        if draw < 0.08 or before.kind == "held":
            return before
        if draw < 0.13 and before.topic != INGEST_ACH:
            return self._cancellation(before)
        if before.topic == INGEST_ACH or draw < 0.19:
            return self._other_content(before)
        # another session or another moment of sending: the same content in other bytes
        value = before.value.replace(b"0001000", b"0002000", 1).replace(b"T10:15:30Z", b"T10:15:31Z", 1)
        return replace(before, value=value)

    def _other_content(self, before: Sent) -> Sent:
        """Another amount under a reference that is taken."""
        pays = tuple(replace(pay, amount=pay.amount + 1) for pay in before.pays)
        if before.topic == INGEST_ACH:
            return self._ach(before.sender, pays, before.reference)
        old, new = before.pays[0].amount, pays[0].amount
        value = before.value
        for shape in ("{},{:02d}", "{}.{:02d}"):
            value = value.replace(
                shape.format(old // 100, old % 100).encode(), shape.format(new // 100, new % 100).encode()
            )
        return replace(before, value=value, pays=pays, content=f"{before.content}+1")

    # -- what is sent --------------------------------------------------------------------------------------------------

    def _payment(self) -> Sent:
        draw, chance = self._chance.random(), self._chance
        if draw < 0.04:
            return self._mt103("EUR", EUROS, payee=LISTED.upper(), kind="held")
        if draw < 0.50:
            return self._mt103("EUR", EUROS) if draw < 0.40 else self._mt103("USD", DOLLARS)
        if draw < 0.64:
            return self._mt202("EUR", EUROS)
        if draw < 0.76:
            return self._pacs008("EUR", EUROS, instant=draw >= 0.70)
        if draw < 0.88:
            return self._pacs009("USD", DOLLARS)
        debit, credit = chance.sample(DOLLARS, 2)
        day = self._date("USD-ACH")
        pays = tuple(
            Pay("USD-ACH", debit, credit, self._amount(), date=day, past=99) for _ in range(chance.randint(1, 2))
        )
        self._number += 1
        return self._ach(debit, pays, str(self._number))

    def _sides(self, banks: tuple[str, ...]) -> tuple[str, str, int, str, str]:
        """Payer, payee, amount, a new reference and UETR."""
        chance = self._chance
        debit, credit = chance.sample(banks, 2)
        self._number += 1
        digits = f"{chance.getrandbits(128):032x}"
        uetr = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
        return debit, credit, self._amount(), f"R{self._number:07d}", uetr

    def _amount(self) -> int:
        """Mostly small; now and then more than most can pay."""
        chance = self._chance
        return chance.randint(100_00, 2_500_00) if chance.random() < 0.25 else chance.randint(20_00, 300_00)

    def _date(self, book: str) -> str:
        """A value date: mostly the book's business date as its sender knows it, sometimes a later or an earlier one."""
        draw, today = self._chance.random(), self._today(book)
        if draw < 0.88:
            return today
        days = self._chance.randint(1, 4) if draw < 0.97 else -1
        return max(DAY, (date.fromisoformat(today) + timedelta(days)).isoformat())

    def _from(self, sender: str) -> str:
        """Block 1: session 0001 and a sequence number."""
        return f"{{1:F01{sender[:8]}AXXX0001000{self._number % 1000:03d}}}"

    def _sent_mt(self, debit: str, reference: str, text: str, **meaning: object) -> Sent:
        claim = f"{debit}|mt|{reference}"
        made = Sent(INGEST_SWIFT_MT, debit, text.encode(), "pay", claim=claim, content=reference, reference=reference)
        return replace(made, **meaning)  # type: ignore[arg-type]

    def _mt103(self, currency: str, banks: tuple[str, ...], payee: str = "JORG KLAMM", kind: Kind = "pay") -> Sent:
        debit, credit, amount, reference, uetr = self._sides(banks)
        money, day = f"{amount // 100},{amount % 100:02d}", self._date(f"{currency}-RTGS")
        text = (
            f"{self._from(debit)}{{2:I103{credit[:8]}XXXXN}}{{3:{{121:{uetr}}}}}{{4:"
            f"\r\n:20:{reference}\r\n:23B:CRED\r\n:32A:{_short(day)}{currency}{money}\r\n:33B:{currency}{money}"
            "\r\n:50K:/12345"
            f"\r\nMARA FELLNER\r\nHOHE GASSE 4\r\n22767 HAMBURG\r\n:59:/98765\r\n{payee}\r\nAM DEICH 9\r\n26382 JEVER"
            f"\r\n:70:LIEFERUNG {reference}\r\n:71A:SHA\r\n-}}"
        )
        pay = Pay(f"{currency}-RTGS", debit, credit, amount, date=day)
        return self._sent_mt(debit, reference, text, pays=(pay,), uetr=uetr, kind=kind)

    def _mt202(self, currency: str, banks: tuple[str, ...]) -> Sent:
        debit, credit, amount, reference, uetr = self._sides(banks)
        day = self._date(f"{currency}-RTGS")
        text = (
            f"{self._from(debit)}{{2:I202{credit[:8]}XXXXN}}{{3:{{121:{uetr}}}}}{{4:"
            f"\r\n:20:{reference}\r\n:21:MM{reference}"
            f"\r\n:32A:{_short(day)}{currency}{amount // 100},{amount % 100:02d}"
            f"\r\n:52A:{debit[:8]}\r\n:58A:{credit[:8]}\r\n-}}"
        )
        pays = (Pay(f"{currency}-RTGS", debit, credit, amount, date=day, ends_early=False),)
        return self._sent_mt(debit, reference, text, pays=pays, uetr=uetr)

    def _pacs008(self, currency: str, banks: tuple[str, ...], *, instant: bool) -> Sent:
        debit, credit, amount, reference, uetr = self._sides(banks)
        head, pay, parties = _INSTANT if instant else _GROSS
        money = f"{amount // 100}.{amount % 100:02d}"
        day = self._today("EUR-INST") if instant else self._date(f"{currency}-RTGS")
        text = _PACS008.format(
            reference=reference, uetr=uetr, day=DAY, currency=currency, money=money, debit=debit, credit=credit,
            head=head.format(currency=currency, money=money, day=day), kind=pay, parties=parties, time="T10:15:30Z",
            when=f"<AccptncDtTm>{DAY}T10:15:30Z</AccptncDtTm>" if instant else "",
            date="" if instant else f"<IntrBkSttlmDt>{day}</IntrBkSttlmDt>", bearer="SLEV" if instant else "SHAR",
        )  # fmt: skip
        meant = Pay(
            "EUR-INST" if instant else f"{currency}-RTGS", debit, credit, amount,
            waits=not instant, date=day, past=int(instant), ends_early=not instant,
        )  # fmt: skip
        return self._sent_iso(INGEST_SEPA if instant else INGEST_ISO20022, debit, reference, text, meant, uetr)

    def _pacs009(self, currency: str, banks: tuple[str, ...]) -> Sent:
        debit, credit, amount, reference, uetr = self._sides(banks)
        day = self._date(f"{currency}-RTGS")
        text = _PACS009.format(
            reference=reference, uetr=uetr, day=day, currency=currency, debit=debit, credit=credit,
            money=f"{amount // 100}.{amount % 100:02d}",
        )  # fmt: skip
        pay = Pay(f"{currency}-RTGS", debit, credit, amount, date=day, ends_early=False)
        return self._sent_iso(INGEST_ISO20022, debit, reference, text, pay, uetr)

    def _sent_iso(self, topic: str, debit: str, reference: str, text: str, pay: Pay, uetr: str) -> Sent:
        claim = f"{debit}|iso|{reference}"
        return Sent(topic, debit, text.encode(), "pay", (pay,), claim, reference, uetr, reference)

    def _ach(self, debit: str, pays: tuple[Pay, ...], number: str) -> Sent:
        """A file of credits; its reference is origin, day, time and modifier."""
        minute, modifier = int(number) % 1440, _MODIFIERS[int(number) // 1440 % 36]
        credit = pays[0].credit
        entries = [
            Payment(
                index=index, kind=PaymentKind.CREDIT_TRANSFER, amount=Money(pay.amount, "USD"), value_date=pay.date,
                transaction_id=f"{ROUTING[debit][:8]}{int(number) * 4 + index:07d}", end_to_end_id=f"E{number}-{index}",
                debtor=Party(name="HEDGE TOOLS"), creditor=Party(name="ABEL NORD", account="0042171"),
                instructing_agent=Agent(clearing_system="USABA", clearing_id=ROUTING[debit]),
                instructed_agent=Agent(clearing_system="USABA", clearing_id=ROUTING[credit]),
                details={
                    "sec": "PPD", "transaction_code": "22", "company_name": "HEDGE TOOLS", "company_id": "1840027711",
                    "entry_description": "PAYROLL",
                },
            )
            for index, pay in enumerate(pays)
        ]  # fmt: skip
        value = write_file(
            origin=ROUTING[debit], destination=ROUTING[credit], origin_name="SENDER", destination_name="RECEIVER",
            created=f"{_SHORT}{minute // 60:02d}{minute % 60:02d}", modifier=modifier, payments=entries,
        )  # fmt: skip
        content = ",".join(str(pay.amount) for pay in pays)
        return Sent(INGEST_ACH, debit, value, "pay", pays, f"{debit}|ach|{number}", content, reference=number)

    def _cancellation(self, before: Sent) -> Sent:
        """A request to cancel what was sent before: camt.056, or MT192 for an MT103."""
        pay, (_, _, _, reference, _) = before.pays[0], self._sides(EUROS)
        currency = pay.book[:3]
        if before.topic == INGEST_SWIFT_MT:
            family = before.value[before.value.index(b"{2:I") + 4 :][:1].decode()
            text = (
                f"{self._from(pay.debit)}{{2:I{family}92{pay.credit[:8]}XXXXN}}"
                f"{{3:{{121:{before.uetr}}}}}{{4:\r\n:20:{reference}\r\n:21:{before.reference}\r\n:11S:{family}0"
                f"{'3' if family == '1' else '2'}\r\n{_SHORT}\r\n:79:/DUPL/\r\n:32A:{_SHORT}{currency}"
                f"{pay.amount // 100},{pay.amount % 100:02d}\r\n-}}"
            )
            return Sent(INGEST_SWIFT_MT, pay.debit, text.encode(), "cancel", (pay,), cancels=before.claim)
        text = _CAMT056.format(
            reference=reference, original=before.reference, uetr=before.uetr, currency=currency, day=DAY,
            money=f"{pay.amount // 100}.{pay.amount % 100:02d}", debit=pay.debit, credit=pay.credit,
        )  # fmt: skip
        return Sent(before.topic, pay.debit, text.encode(), "cancel", (pay,), cancels=before.claim)

    def _broken(self) -> Sent:
        """Refused for its format: a date that is none, or bytes that are nothing."""
        made = self._mt103("EUR", EUROS)
        if self._chance.random() < 0.7:
            value = made.value.replace(f":32A:{_short(made.pays[0].date)}".encode(), b":32A:261340")
        else:
            value = f"\x00\xff nothing {self._number}".encode("latin-1")
        return Sent(INGEST_SWIFT_MT, made.sender, value, "broken")

    def _note(self) -> Sent:
        """Moves no money: free text (MT199)."""
        debit, credit, _, reference, _ = self._sides(EUROS)
        text = (
            f"{self._from(debit)}{{2:I199{credit[:8]}XXXXN}}{{4:\r\n:20:{reference}"
            f"\r\n:79:PLEASE CALL ABOUT {reference}\r\n-}}"
        )
        return Sent(INGEST_SWIFT_MT, debit, text.encode(), "note")


def _short(day: str) -> str:
    """A date as SWIFT MT writes it."""
    return day[2:].replace("-", "")


_PARTY = "<Nm>{}</Nm><PstlAdr><StrtNm>Deichweg</StrtNm><BldgNb>3</BldgNb><PstCd>26382</PstCd><TwnNm>Jever</TwnNm>"
_DEBTOR = _PARTY.format("Mara Fellner") + "<Ctry>DE</Ctry></PstlAdr>"
_CREDITOR = _PARTY.format("Jorg Klamm") + "<Ctry>DE</Ctry></PstlAdr>"
_GROSS = ("", "", "")
_INSTANT = (
    '<TtlIntrBkSttlmAmt Ccy="{currency}">{money}</TtlIntrBkSttlmAmt><IntrBkSttlmDt>{day}</IntrBkSttlmDt>',
    "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>",
    "",
)
_PACS008 = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf><GrpHdr><MsgId>{reference}'
    "</MsgId><CreDtTm>{day}{time}</CreDtTm><NbOfTxs>1</NbOfTxs>{head}<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>"
    "<InstgAgt><FinInstnId><BICFI>{debit}</BICFI></FinInstnId></InstgAgt><InstdAgt><FinInstnId><BICFI>{credit}</BICFI>"
    "</FinInstnId></InstdAgt></GrpHdr><CdtTrfTxInf><PmtId><InstrId>I{reference}</InstrId><EndToEndId>E{reference}"
    "</EndToEndId><TxId>T{reference}</TxId><UETR>{uetr}</UETR></PmtId>{kind}"
    '<IntrBkSttlmAmt Ccy="{currency}">{money}</IntrBkSttlmAmt>{date}{when}<ChrgBr>{bearer}</ChrgBr>'
    "<Dbtr>" + _DEBTOR + "</Dbtr><DbtrAcct><Id><IBAN>DE76299901000000000042</IBAN></Id></DbtrAcct>"
    "<DbtrAgt><FinInstnId><BICFI>{debit}</BICFI></FinInstnId></DbtrAgt><CdtrAgt><FinInstnId><BICFI>{credit}</BICFI>"
    "</FinInstnId></CdtrAgt><Cdtr>" + _CREDITOR + "</Cdtr><CdtrAcct><Id><IBAN>DE59299902000000000007</IBAN></Id>"
    "</CdtrAcct></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"
)
_PACS009 = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08"><FICdtTrf><GrpHdr><MsgId>{reference}</MsgId>'
    "<CreDtTm>{day}T10:15:30Z</CreDtTm><NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>"
    "<InstgAgt><FinInstnId><BICFI>{debit}</BICFI></FinInstnId></InstgAgt><InstdAgt><FinInstnId><BICFI>{credit}</BICFI>"
    "</FinInstnId></InstdAgt></GrpHdr><CdtTrfTxInf><PmtId><InstrId>I{reference}</InstrId><EndToEndId>E{reference}"
    "</EndToEndId><TxId>T{reference}</TxId><UETR>{uetr}</UETR></PmtId>"
    '<IntrBkSttlmAmt Ccy="{currency}">{money}</IntrBkSttlmAmt><IntrBkSttlmDt>{day}</IntrBkSttlmDt>'
    "<Dbtr><FinInstnId><BICFI>{debit}</BICFI></FinInstnId></Dbtr><Cdtr><FinInstnId><BICFI>{credit}</BICFI></FinInstnId>"
    "</Cdtr></CdtTrfTxInf></FICdtTrf></Document>"
)
_CAMT056 = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"><FIToFIPmtCxlReq><Assgnmt><Id>{reference}</Id>'
    "<Assgnr><Agt><FinInstnId><BICFI>{debit}</BICFI></FinInstnId></Agt></Assgnr><Assgne><Agt><FinInstnId>"
    "<BICFI>{credit}</BICFI></FinInstnId></Agt></Assgne><CreDtTm>{day}T11:00:00Z</CreDtTm></Assgnmt><Undrlyg>"
    "<TxInf><CxlId>{reference}</CxlId><OrgnlGrpInf><OrgnlMsgId>{original}</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08"
    "</OrgnlMsgNmId></OrgnlGrpInf><OrgnlEndToEndId>E{original}</OrgnlEndToEndId><OrgnlTxId>T{original}</OrgnlTxId>"
    '<OrgnlUETR>{uetr}</OrgnlUETR><OrgnlIntrBkSttlmAmt Ccy="{currency}">{money}</OrgnlIntrBkSttlmAmt>'
    "<OrgnlIntrBkSttlmDt>{day}</OrgnlIntrBkSttlmDt><CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf></TxInf></Undrlyg>"
    "</FIToFIPmtCxlReq></Document>"
)
