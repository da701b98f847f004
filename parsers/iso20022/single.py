"""One transaction of a message as a message of its own: what a receiver is delivered when a message holds several.

Rule: linear in the message; the group header stays, with its number of transactions and sums those of the one
transaction. A message of one transaction is delivered as it was received.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from parsers.iso20022.envelope import parse_xml

_TRANSACTIONS = frozenset({"CdtTrfTxInf", "DrctDbtTxInf", "TxInf"})
_AMOUNTS = ("IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt")


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def singles(data: bytes) -> list[bytes]:
    """Each transaction of a valid message as a document with that transaction alone, in order."""
    root = parse_xml(data)
    document = next(element for element in root.iter() if _name(element) == "Document")
    body = next(element for element in document if isinstance(element.tag, str))
    transactions = [element for element in body if _name(element) in _TRANSACTIONS]
    for element in transactions:
        body.remove(element)
    shell = deepcopy(document)
    return [_with(shell, element) for element in transactions]


def _with(shell: etree._Element, transaction: etree._Element) -> bytes:
    document = deepcopy(shell)
    body = next(element for element in document if isinstance(element.tag, str))
    header = next(element for element in body if _name(element) == "GrpHdr")
    amount = next((child for child in transaction if _name(child) in _AMOUNTS), None)
    for element in list(header):
        name = _name(element)
        if name == "NbOfTxs":
            element.text = "1"
        elif name == "CtrlSum" or (name.startswith("Ttl") and amount is None):
            header.remove(element)
        elif name.startswith("Ttl") and amount is not None:
            element.text = amount.text
    body.insert(body.index(header) + 1, transaction)
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8")
