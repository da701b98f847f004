"""One transaction of a message as a message of its own: what a receiver is delivered when a message holds several.

Rule: linear in the message; the group header stays, and so does the batch of the transaction, with number of
transactions and sums those of the one transaction. A message of one transaction is delivered as it was received.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from parsers.iso20022.envelope import parse_xml
from parsers.iso20022.messages import MESSAGE_TYPES

_TRANSACTIONS = frozenset(kind.transactions for kind in MESSAGE_TYPES.values())
_BATCHES = frozenset(kind.batch for kind in MESSAGE_TYPES.values() if kind.batch is not None)
#: Amounts that a group header totals.
_AMOUNTS = frozenset(name for kind in MESSAGE_TYPES.values() for name in kind.amount if name.endswith("IntrBkSttlmAmt"))


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _body(document: etree._Element) -> etree._Element:
    return next(element for element in document if isinstance(element.tag, str))


def singles(data: bytes) -> list[bytes]:
    """Each transaction of a valid message as a document with that transaction alone, in order."""
    root = parse_xml(data)
    document = next(element for element in root.iter() if _name(element) == "Document")
    body = _body(document)
    batches = [element for element in body if _name(element) in _BATCHES]
    of_batch = [_taken(batch) for batch in batches]
    direct = _taken(body)
    for batch in batches:
        body.remove(batch)
    shell = deepcopy(document)
    return [_with(shell, None, transaction) for transaction in direct] + [
        _with(shell, batch, transaction)
        for batch, transactions in zip(batches, of_batch, strict=True)
        for transaction in transactions
    ]


def _taken(holder: etree._Element) -> list[etree._Element]:
    """The transactions that an element holds, taken out of it."""
    transactions = [element for element in holder if _name(element) in _TRANSACTIONS]
    for element in transactions:
        holder.remove(element)
    return transactions


def _with(shell: etree._Element, batch: etree._Element | None, transaction: etree._Element) -> bytes:
    document = deepcopy(shell)
    body = _body(document)
    header = next(element for element in body if _name(element) == "GrpHdr")
    amount = next((child for child in transaction if _name(child) in _AMOUNTS), None)
    _count_one(header, amount)
    held = transaction
    if batch is not None:
        held = deepcopy(batch)
        _count_one(held, None)
        held.append(transaction)  # transactions stand last in a batch
    body.insert(body.index(header) + 1, held)
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8")


def _count_one(holder: etree._Element, amount: etree._Element | None) -> None:
    """Number of transactions and totals of a header or a batch, for one transaction of this amount."""
    for element in list(holder):
        name = _name(element)
        if name == "NbOfTxs":
            element.text = "1"
        elif name == "CtrlSum" or (name.startswith("Ttl") and amount is None):
            holder.remove(element)
        elif name.startswith("Ttl") and amount is not None:
            element.text = amount.text
