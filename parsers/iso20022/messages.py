"""The message types that become payments, as data: where their parts stand and what builds the payments.

Rule: a type that is not in the table is validated by its schema and moves no money. Element names are those of the
ISO 20022 message definitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from parsers.iso20022.facts import Facts, listed


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type. ``batch`` is the element that holds the transactions (None: the message itself), ``transactions``
    theirs, ``amount`` the amount that control sums add up, ``reference`` the element of the message's identification.
    """

    transactions: str
    batch: str | None = None
    amount: tuple[str, ...] = ()
    group: str = "GrpHdr"


MESSAGE_TYPES: dict[str, MessageType] = {
    "pacs.002": MessageType("TxInfAndSts"),
    "pacs.003": MessageType("DrctDbtTxInf", amount=("IntrBkSttlmAmt",)),
    "pacs.004": MessageType("TxInf", amount=("RtrdIntrBkSttlmAmt",)),
    "pacs.007": MessageType("TxInf", amount=("RvsdIntrBkSttlmAmt",)),
    "pacs.008": MessageType("CdtTrfTxInf", amount=("IntrBkSttlmAmt",)),
    "pacs.009": MessageType("CdtTrfTxInf", amount=("IntrBkSttlmAmt",)),
    "pacs.028": MessageType("TxInf"),
    "pain.001": MessageType("CdtTrfTxInf", batch="PmtInf", amount=("Amt", "InstdAmt")),
    "pain.008": MessageType("DrctDbtTxInf", batch="PmtInf", amount=("InstdAmt",)),
    "camt.029": MessageType("TxInfAndSts", batch="CxlDtls", group="Assgnmt"),
    "camt.056": MessageType("TxInf", batch="Undrlyg", group="Assgnmt"),
}


class Transaction(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One transaction: its facts, those of its batch (empty when there are no batches), and the numbers of both,
    from 1.
    """

    facts: Facts
    batch: Facts
    number: int
    batch_number: int


class MessageFacts(msgspec.Struct, eq=False, gc=False):
    """A message as rules and builders see it. ``family`` is ``pacs.008``; ``root`` is the one element below Document;
    ``scheme`` is None until it is known.
    """

    identifier: str
    family: str
    type: MessageType | None
    root: str
    body: Facts
    header: Facts | None
    group: Facts
    batches: list[Facts]
    transactions: list[Transaction]
    scheme: str | None = None
    #: First settlement date on which an unstructured address is refused; None: never.
    address_date: str | None = None
    #: All text of the document in one string: for rules about characters.
    text: str = ""

    def path(self, transaction: Transaction, *steps: str) -> str:
        """The path of an element of a transaction, below Document."""
        assert self.type is not None
        batch = f"{self.type.batch}[{transaction.batch_number}]/" if self.type.batch else ""
        start = f"{self.root}/{batch}{self.type.transactions}[{transaction.number}]"
        return "/".join((start, *steps))


def message_facts(identifier: str, document: Facts, header: Facts | None) -> MessageFacts:
    """Take a document's facts apart. What a schema-invalid document lacks is empty."""
    root, body = next(iter(document.items()), ("", None))
    if not isinstance(body, dict):
        body = {}
    family = identifier[:8]
    kind = MESSAGE_TYPES.get(family)
    group = body.get(kind.group if kind else "GrpHdr") or body.get("Assgnmt")
    if not isinstance(group, dict):
        group = {}
    batches: list[Facts] = []
    if kind is not None:
        found = [body] if kind.batch is None else listed(body.get(kind.batch))
        batches = [batch if isinstance(batch, dict) else {} for batch in found]
    transactions = _transactions(batches, kind) if kind is not None else []
    return MessageFacts(identifier, family, kind, root, body, header, group, batches, transactions)


def _transactions(batches: list[Facts], kind: MessageType) -> list[Transaction]:
    found: list[Transaction] = []
    for batch_number, batch in enumerate(batches, start=1):
        above = {} if kind.batch is None else batch
        for number, facts in enumerate(listed(batch.get(kind.transactions)), start=1):
            if isinstance(facts, dict):
                found.append(Transaction(facts, above, number, batch_number))
    return found
