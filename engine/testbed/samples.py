"""Messages that banks of the testbed send: MT103, pacs.008 (gross and instant), Nacha files, in varied content.

Rule: each message is right in every rule that the parsers enforce, until somebody breaks it on purpose; references are
unique within a seed and a run.
"""

from __future__ import annotations

import random
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.bus.topics import INGEST_ACH, INGEST_ISO20022, INGEST_SEPA, INGEST_SWIFT_MT
from engine.testbed.banks import Bank, Person, dollar_banks, euro_banks, person
from parsers.ach import write_file
from payments import Agent, Money, Party, Payment, PaymentKind

_MODIFIERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#: What tells a sender's files of one day apart: the minute and the modifier.
_FILES_A_DAY = 1440 * len(_MODIFIERS)
_PURPOSES = ("INVOICE", "RENT", "REFUND", "SALARY", "DELIVERY", "SUBSCRIPTION")


@dataclass(frozen=True, slots=True)
class Sample:
    """A message: where it goes, its key, its bytes, the participant who signs it, what it is.

    ``payments``: how many it holds; ``poor``: whether its sender cannot pay everything he sends.
    """

    topic: str
    sender: str
    key: str
    value: bytes
    kind: str
    payments: int = 1
    poor: bool = False


class Writer:
    """Writes samples. ``run`` tells references of several runs apart; ``dates`` are the books' business dates."""

    def __init__(self, seed: int, dates: Mapping[str, date], run: str = "T") -> None:
        self.chance = random.Random(seed)
        self._dates = dates
        self._run = run
        self._number = 0
        self._files = zlib.crc32(run.encode()) % _FILES_A_DAY
        self.euro, self.dollar = euro_banks(), dollar_banks()

    def some(self) -> Sample:
        """A euro message: 55 % MT103, 30 % pacs.008, 15 % instant; one in twelve from the bank without money."""
        draw = self.chance.random()
        return self.mt103() if draw < 0.55 else self.pacs008() if draw < 0.85 else self.instant()

    def pair(self, *, rich: bool = False) -> tuple[Bank, Bank]:
        """A sender and a receiver in euro."""
        sender, receiver = self.chance.sample(self.euro, 2)
        while rich and sender.poor:
            sender, receiver = self.chance.sample(self.euro, 2)
        return sender, receiver

    def reference(self) -> str:
        """A new reference of at most 14 characters."""
        self._number += 1
        return f"{self._run}{self._number:07d}"

    def amount(self) -> int:
        """Minor units, mostly small."""
        return int(self.chance.paretovariate(0.9) * 1000) % 5_000_000 + 1

    def uetr(self) -> str:
        """A version 4 UUID."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    # -- SWIFT MT ------------------------------------------------------------------------------------------------------

    def mt103(self, *, rich: bool = False) -> Sample:
        """A single customer credit transfer."""
        sender, receiver = self.pair(rich=rich)
        payer, payee = person(sender, self.chance), person(receiver, self.chance)
        reference, minor = self.reference(), self.amount()
        lines = [
            f":20:{reference}",
            ":23B:CRED",
            f":32A:{self._dates['EUR-RTGS']:%y%m%d}EUR{minor // 100},{minor % 100:02d}",
            f":33B:EUR{minor // 100},{minor % 100:02d}",
            *_mt_party("50K", payer),
            *_mt_party("59", payee),
            f":70:{self.chance.choice(_PURPOSES)} {reference}",
            f":71A:{self.chance.choice(('SHA', 'OUR'))}",
        ]
        text = (
            f"{{1:F01{_terminal(sender)}{self._number % 10_000:04d}{self._number % 1_000_000:06d}}}"
            f"{{2:I103{receiver.bic[:8]}X{receiver.bic[8:]}N}}{{3:{{121:{self.uetr()}}}}}{{4:\r\n"
            + "\r\n".join(lines)
            + "\r\n-}"
        )
        return Sample(INGEST_SWIFT_MT, sender.bic, sender.bic, text.encode("ascii"), "mt103", poor=sender.poor)

    # -- ISO 20022 -----------------------------------------------------------------------------------------------------

    def pacs008(self, *, rich: bool = False) -> Sample:
        """A customer credit transfer to settle gross."""
        sender, receiver = self.pair(rich=rich)
        return self._pacs008(sender, receiver, instant=False)

    def instant(self, *, rich: bool = False) -> Sample:
        """An instant credit transfer (SCT Inst)."""
        sender, receiver = self.pair(rich=rich)
        return self._pacs008(sender, receiver, instant=True)

    def _pacs008(self, sender: Bank, receiver: Bank, *, instant: bool) -> Sample:
        payer, payee = person(sender, self.chance), person(receiver, self.chance)
        reference, minor = self.reference(), self.amount()
        day = self._dates["EUR-INST" if instant else "EUR-RTGS"].isoformat()
        amount = f"{minor // 100}.{minor % 100:02d}"
        kind = "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>"
        accepted = f"<AccptncDtTm>{day}T10:15:30.12Z</AccptncDtTm>"
        text = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">
<FIToFICstmrCdtTrf>
<GrpHdr><MsgId>M{reference}</MsgId><CreDtTm>{day}T10:15:30.12Z</CreDtTm><NbOfTxs>1</NbOfTxs>
<TtlIntrBkSttlmAmt Ccy="EUR">{amount}</TtlIntrBkSttlmAmt><IntrBkSttlmDt>{day}</IntrBkSttlmDt>
<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>
<InstgAgt><FinInstnId><BICFI>{sender.bic}</BICFI></FinInstnId></InstgAgt>
<InstdAgt><FinInstnId><BICFI>{receiver.bic}</BICFI></FinInstnId></InstdAgt></GrpHdr>
<CdtTrfTxInf>
<PmtId><InstrId>I{reference}</InstrId><EndToEndId>E{reference}</EndToEndId><TxId>X{reference}</TxId>
<UETR>{self.uetr()}</UETR></PmtId>
{kind if instant else ""}<IntrBkSttlmAmt Ccy="EUR">{amount}</IntrBkSttlmAmt>{accepted if instant else ""}
<ChrgBr>{"SLEV" if instant else "SHAR"}</ChrgBr>
<Dbtr>{_iso_party(payer)}</Dbtr><DbtrAcct><Id><IBAN>{payer.iban}</IBAN></Id></DbtrAcct>
<DbtrAgt><FinInstnId><BICFI>{sender.bic}</BICFI></FinInstnId></DbtrAgt>
<CdtrAgt><FinInstnId><BICFI>{receiver.bic}</BICFI></FinInstnId></CdtrAgt>
<Cdtr>{_iso_party(payee)}</Cdtr><CdtrAcct><Id><IBAN>{payee.iban}</IBAN></Id></CdtrAcct>
<RmtInf><Ustrd>{self.chance.choice(_PURPOSES).title()} {reference}</Ustrd></RmtInf>
</CdtTrfTxInf>
</FIToFICstmrCdtTrf>
</Document>
"""
        topic = INGEST_SEPA if instant else INGEST_ISO20022
        return Sample(
            topic, sender.bic, sender.bic, text.encode(), "instant" if instant else "pacs.008", poor=sender.poor
        )

    # -- Nacha ---------------------------------------------------------------------------------------------------------

    def nacha(self, entries: int = 3) -> Sample:
        """A file of credits from one bank to another."""
        sender, receiver = self.chance.sample(self.dollar, 2)
        day = self._dates["USD-ACH"]
        payments = [self._entry(sender, receiver, day, index) for index in range(entries)]
        self._files = (self._files + 1) % _FILES_A_DAY
        minute, modifier = self._files % 1440, _MODIFIERS[self._files // 1440]
        value = write_file(
            origin=sender.routing,
            destination=receiver.routing,
            origin_name=sender.name,
            destination_name=receiver.name,
            created=f"{day:%y%m%d}{minute // 60:02d}{minute % 60:02d}",
            modifier=modifier,
            payments=payments,
        )
        return Sample(INGEST_ACH, sender.bic, sender.routing, value, "nacha", payments=entries)

    def _entry(self, sender: Bank, receiver: Bank, day: date, index: int) -> Payment:
        self._number += 1
        someone = person(receiver, self.chance).name.upper()
        return Payment(
            index=index,
            kind=PaymentKind.CREDIT_TRANSFER,
            amount=Money(self.amount(), "USD"),
            value_date=day.isoformat(),
            transaction_id=f"{sender.routing[:8]}{self._number % 10**7:07d}",
            end_to_end_id=f"EMP{self._number:07d}",
            debtor=Party(name="SILO WORKS"),
            creditor=Party(name=someone, account=f"{self.chance.randrange(10**9):010d}"),
            instructing_agent=Agent(clearing_system="USABA", clearing_id=sender.routing),
            instructed_agent=Agent(clearing_system="USABA", clearing_id=receiver.routing),
            details={
                "sec": "PPD",
                "transaction_code": "22",
                "company_name": "SILO WORKS",
                "company_id": "1840027711",
                "entry_description": "PAYROLL",
            },
        )


def _terminal(bank: Bank) -> str:
    return f"{bank.bic[:8]}A{bank.bic[8:]}"


def _mt_party(tag: str, one: Person) -> list[str]:
    return [f":{tag}:/{one.iban}", one.name, f"{one.street} {one.building}", f"{one.post_code} {one.town}, DE"]


def _iso_party(one: Person) -> str:
    return (
        f"<Nm>{one.name}</Nm><PstlAdr><StrtNm>{one.street}</StrtNm><BldgNb>{one.building}</BldgNb>"
        f"<PstCd>{one.post_code}</PstCd><TwnNm>{one.town}</TwnNm><Ctry>DE</Ctry></PstlAdr>"
    )
