"""Messages for the benches: valid, all different, made from a seed.

Rule: the same seed, value date and number give the same bytes, whoever makes them. MT103 has fifteen fields with all
parties, agents and remittance (SWIFT Standards MT, category 1), pacs.008.001.08 about 2.5 kB with structured addresses,
Nacha files hold PPD credits in one batch of up to 100,000 entries. ``run`` goes into every reference, so that two runs
on one system never claim the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from typing import Final

from engine.bench.banks import Bank, Customers, Zipf, banks, routing_numbers

#: Median of an amount in cents, and the spread (sigma) of its logarithm.
_AMOUNT_MEDIAN, _AMOUNT_SIGMA = 12.2, 1.3
_AMOUNT_MAX = 5_000_000_00
#: Entries of one batch: its number of entries and addenda has six digits.
_BATCH_ENTRIES: Final = 100_000
_RECORD, _BLOCK = 94, 10
_GOODS: Final = "obst moebel papier werkzeug beratung transport miete strom wein holz glas software".upper().split()


class Maker:
    """Makes payments between banks by Zipf's law. ``value_date`` is the date on which they settle."""

    def __init__(self, seed: int, value_date: date, run: str = "A", members: Sequence[Bank] | None = None) -> None:
        self._rng = rng = random.Random(seed)
        self._banks = list(members or banks())
        self._zipf = Zipf(len(self._banks), rng)
        self._customers = Customers(rng)
        self._run = run
        self._day = value_date.isoformat()
        self._short_day = value_date.strftime("%y%m%d")

    def sides(self) -> tuple[Bank, Bank]:
        """Who sends and pays, who receives."""
        debit, credit = self._zipf.pair()
        return self._banks[debit], self._banks[credit]

    def amount(self) -> int:
        """Cents, from one euro up, log-normal."""
        return min(_AMOUNT_MAX, 100 + int(self._rng.lognormvariate(_AMOUNT_MEDIAN, _AMOUNT_SIGMA)))

    def uetr(self) -> str:
        """A UUID of version 4."""
        digits = f"{self._rng.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def mt103(self, number: int) -> tuple[str, bytes]:
        """Sender's BIC, and an MT103."""
        sender, receiver = self.sides()
        rng, customers, cents = self._rng, self._customers, self.amount()
        amount = f"{cents // 100},{cents % 100:02d}"
        reference = f"{self._run}{number:012d}"
        lines = (
            f"{{1:F01{sender.terminal}{number // 1_000_000 % 10_000:04d}{number % 1_000_000:06d}}}"
            f"{{2:I103{receiver.bic[:8]}X{receiver.bic[8:]}N}}"
            f"{{3:{{108:M{number:012d}}}{{121:{self.uetr()}}}}}{{4:",
            f":20:{reference}",
            ":13C:/SNDTIME/0915+0100",
            ":23B:CRED",
            ":26T:K90",
            f":32A:{self._short_day}EUR{amount}",
            f":33B:EUR{amount}",
            f":50K:/{sender.account(rng)}",
            customers.name(),
            customers.street(),
            customers.town(),
            f":52A:{sender.bic}",
            f":53B:/C/{rng.randrange(10**8):08d}",
            f":57A:{receiver.bic}",
            f":59:/{receiver.account(rng)}",
            customers.name(),
            customers.street(),
            customers.town(),
            f":70:/ROC/E2E{reference}",
            f"//RECHNUNG {rng.randrange(10**7)} {rng.choice(_GOODS)}",
            ":71A:SHA",
            f":72:/INS/{sender.bic}",
            f":77B:/ORDERRES/{sender.country}",
            "-}",
        )
        return sender.bic, "\r\n".join(lines).encode("ascii")

    def pacs008(self, number: int) -> tuple[str, bytes]:
        """Sender's BIC, and a pacs.008.001.08 with one transfer, as a file of its own."""
        sender, receiver = self.sides()
        rng, customers, cents = self._rng, self._customers, self.amount()
        reference = f"{self._run}{number:012d}"
        text = _PACS008.format(
            reference=reference,
            day=self._day,
            amount=f"{cents // 100}.{cents % 100:02d}",
            sender=sender.bic,
            receiver=receiver.bic,
            uetr=self.uetr(),
            debtor=customers.name(),
            debtor_street=rng.choice(_GOODS).title() + "gasse",
            debtor_number=rng.randint(1, 200),
            debtor_post=rng.randrange(10_000, 99_999),
            debtor_country=sender.country,
            debtor_account=sender.account(rng),
            creditor=customers.name(),
            creditor_street=rng.choice(_GOODS).title() + "weg",
            creditor_number=rng.randint(1, 200),
            creditor_post=rng.randrange(10_000, 99_999),
            creditor_country=receiver.country,
            creditor_account=receiver.account(rng),
            invoice=rng.randrange(10**8),
            goods=rng.choice(_GOODS).lower(),
        )
        return sender.bic, text.encode("ascii")

    def mt940(self, number: int, lines: int) -> bytes:
        """A customer statement with this many statement lines, each with its information."""
        sender, receiver = self.sides()
        rng = self._rng
        balance = 1_000_000_00
        text = [
            f"{{1:F01{sender.terminal}0001{number % 1_000_000:06d}}}"
            f"{{2:I940{receiver.bic[:8]}X{receiver.bic[8:]}N}}{{4:",
            f":20:S{number:012d}",
            f":25:{sender.account(rng)}",
            f":28C:{number % 99_999 + 1}/1",
            f":60F:C{self._short_day}EUR{_comma(balance)}",
        ]
        for line in range(lines):
            cents = self.amount() % 900_000 + 1
            balance += cents
            text += [
                f":61:{self._short_day}{self._short_day[2:]}C{_comma(cents)}"
                f"NTRF{self._run}{number % 10**6:06d}{line:05d}//B{rng.randrange(10**9)}",
                f":86:/EREF/E2E{number:08d}{line:05d}/NAME/{self._customers.name()}",
                f"/REMI/RECHNUNG {rng.randrange(10**7)} {rng.choice(_GOODS)}",
            ]
        text += [f":62F:C{self._short_day}EUR{_comma(balance)}", "-}"]
        return "\r\n".join(text).encode("ascii")


def _comma(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


_PACS008: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">
  <FIToFICstmrCdtTrf>
    <GrpHdr>
      <MsgId>{reference}</MsgId>
      <CreDtTm>{day}T09:15:00.000Z</CreDtTm>
      <NbOfTxs>1</NbOfTxs>
      <SttlmInf>
        <SttlmMtd>CLRG</SttlmMtd>
      </SttlmInf>
      <InstgAgt><FinInstnId><BICFI>{sender}</BICFI></FinInstnId></InstgAgt>
      <InstdAgt><FinInstnId><BICFI>{receiver}</BICFI></FinInstnId></InstdAgt>
    </GrpHdr>
    <CdtTrfTxInf>
      <PmtId>
        <InstrId>I{reference}</InstrId>
        <EndToEndId>E{reference}</EndToEndId>
        <TxId>T{reference}</TxId>
        <UETR>{uetr}</UETR>
      </PmtId>
      <PmtTpInf>
        <InstrPrty>NORM</InstrPrty>
        <CtgyPurp><Cd>SUPP</Cd></CtgyPurp>
      </PmtTpInf>
      <IntrBkSttlmAmt Ccy="EUR">{amount}</IntrBkSttlmAmt>
      <IntrBkSttlmDt>{day}</IntrBkSttlmDt>
      <InstdAmt Ccy="EUR">{amount}</InstdAmt>
      <ChrgBr>SHAR</ChrgBr>
      <Dbtr>
        <Nm>{debtor}</Nm>
        <PstlAdr>
          <Dept>Buchhaltung und Zahlungsverkehr</Dept>
          <StrtNm>{debtor_street}</StrtNm>
          <BldgNb>{debtor_number}</BldgNb>
          <Flr>3</Flr>
          <PstCd>{debtor_post}</PstCd>
          <TwnNm>Bremen</TwnNm>
          <CtrySubDvsn>Nord</CtrySubDvsn>
          <Ctry>{debtor_country}</Ctry>
        </PstlAdr>
      </Dbtr>
      <DbtrAcct>
        <Id><IBAN>{debtor_account}</IBAN></Id>
      </DbtrAcct>
      <DbtrAgt>
        <FinInstnId>
          <BICFI>{sender}</BICFI>
        </FinInstnId>
      </DbtrAgt>
      <CdtrAgt>
        <FinInstnId>
          <BICFI>{receiver}</BICFI>
        </FinInstnId>
      </CdtrAgt>
      <Cdtr>
        <Nm>{creditor}</Nm>
        <PstlAdr>
          <Dept>Buchhaltung und Zahlungsverkehr</Dept>
          <StrtNm>{creditor_street}</StrtNm>
          <BldgNb>{creditor_number}</BldgNb>
          <Flr>3</Flr>
          <PstCd>{creditor_post}</PstCd>
          <TwnNm>Lyon</TwnNm>
          <CtrySubDvsn>Sued</CtrySubDvsn>
          <Ctry>{creditor_country}</Ctry>
        </PstlAdr>
      </Cdtr>
      <CdtrAcct>
        <Id><IBAN>{creditor_account}</IBAN></Id>
      </CdtrAcct>
      <Purp>
        <Cd>GDDS</Cd>
      </Purp>
      <RmtInf>
        <Ustrd>Rechnung {invoice} fuer {goods}, Bestellung {reference}</Ustrd>
      </RmtInf>
    </CdtTrfTxInf>
  </FIToFICstmrCdtTrf>
</Document>
"""


# -- files -------------------------------------------------------------------------------------------------------------

_PAIN_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>SALARIES-{seed}</MsgId><CreDtTm>{day}T07:00:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>\
<CtrlSum>{total}</CtrlSum><InitgPty><Nm>Birkenheim Werkzeuge AG</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>SALARIES-{seed}-1</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>\
<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>\
<Dbtr><Nm>Birkenheim Werkzeuge AG</Nm></Dbtr><DbtrAcct><Id><IBAN>{account}</IBAN></Id></DbtrAcct>\
<DbtrAgt><FinInstnId><BICFI>{bank}</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>
"""
_PAIN_ENTRY: Final = """<CdtTrfTxInf><PmtId><EndToEndId>SAL-{seed}-{number:06d}</EndToEndId></PmtId>\
<Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt><CdtrAgt><FinInstnId><BICFI>{bank}</BICFI></FinInstnId></CdtrAgt>\
<Cdtr><Nm>{name}</Nm><PstlAdr><TwnNm>Bremen</TwnNm><Ctry>{country}</Ctry></PstlAdr></Cdtr>\
<CdtrAcct><Id><IBAN>{account}</IBAN></Id></CdtrAcct><RmtInf><Ustrd>Gehalt {number}</Ustrd></RmtInf></CdtTrfTxInf>
"""
_PAIN_TAIL: Final = "</PmtInf></CstmrCdtTrfInitn></Document>\n"


def pain001(count: int, seed: int, day: date) -> bytes:
    """A pain.001.001.09 file of this many credit transfers in one payment information."""
    rng = random.Random(seed)
    members, customers = banks(), Customers(rng)
    total, entries = 0, []
    for number in range(count):
        cents, bank = rng.randint(50_000, 900_000), rng.choice(members)
        total += cents
        entries.append(
            _PAIN_ENTRY.format(
                seed=seed,
                number=number,
                amount=f"{cents // 100}.{cents % 100:02d}",
                bank=bank.bic,
                name=customers.name(),
                country=bank.country,
                account=bank.account(rng),
            )
        )
    payer = members[0]
    head = _PAIN_HEAD.format(
        seed=seed,
        day=day.isoformat(),
        count=count,
        total=f"{total // 100}.{total % 100:02d}",
        account=payer.account(rng),
        bank=payer.bic,
    )
    return "".join((head, *entries, _PAIN_TAIL)).encode("ascii")


def nacha_ppd(count: int, seed: int, day: date) -> bytes:
    """A Nacha file of this many PPD credits, in batches of up to 100,000."""
    rng = random.Random(seed)
    receivers, customers = routing_numbers(200, seed), Customers(rng)
    origin, operator = routing_numbers(2, seed + 1)
    when = day.strftime("%y%m%d")
    records = [f"101 {operator} {origin}{when}0715A094101{'SABLE POINT BANK':<23}{'ALDER FEDERAL BANK':<23}{'':<8}"]
    hashes = credited = 0
    numbers = range(count)
    batches = [numbers[at : at + _BATCH_ENTRIES] for at in range(0, count, _BATCH_ENTRIES)]
    for batch, entries in enumerate(batches, start=1):
        records.append(
            f"5220{'BIRCH TOOLS':<16}{'':<20}1840027755PPD{'PAYROLL':<10}{'':<6}{when}   1{origin[:8]}{batch:07d}"
        )
        batch_hash = batch_credited = 0
        for number in entries:
            receiver, cents = rng.choice(receivers), rng.randint(50_000, 900_000)
            account, person = f"{rng.randrange(10**12):012d}", f"EMP-{number:07d}"
            records.append(
                f"622{receiver}{account:<17}{cents:010d}{person:<15}{customers.name().upper()[:22]:<22}  0"
                f"{origin[:8]}{number + 1:07d}"
            )
            batch_hash += int(receiver[:8])
            batch_credited += cents
        records.append(
            f"8220{len(entries):06d}{batch_hash % 10**10:010d}{0:012d}{batch_credited:012d}1840027755{'':<25}"
            f"{origin[:8]}{batch:07d}"
        )
        hashes, credited = hashes + batch_hash, credited + batch_credited
    blocks = -(-(len(records) + 1) // _BLOCK)
    records.append(f"9{len(batches):06d}{blocks:06d}{count:08d}{hashes % 10**10:010d}{0:012d}{credited:012d}{'':<39}")
    records += ["9" * _RECORD] * (blocks * _BLOCK - len(records))
    return ("\n".join(records) + "\n").encode("ascii")
