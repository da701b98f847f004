"""Answers of a payment system: pacs.002 status report, camt.029 resolution, the application header, forwarding.

Rule: what is written is valid under our own schema and is built from text templates, every value escaped; time and
identifications come in as arguments. A value that is None is left out. Names follow FIToFIPaymentStatusReport and
ResolutionOfInvestigation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from parsers.message import Message
from payments import Agent
from schemas.iso20022 import NAMESPACE

#: Versions that the templates fit: the elements used here have not changed between them.
STATUS_REPORT_VERSIONS = tuple(f"pacs.002.001.{number:02}" for number in range(10, 16))
RESOLUTION_VERSIONS = tuple(f"camt.029.001.{number:02}" for number in range(9, 14))

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
#: Characters that XML 1.0 does not have.
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NOT_XML = re.compile(f"[{_FORBIDDEN}]")
_SPECIAL = re.compile(f'[&<>"{_FORBIDDEN}]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_ADDITIONAL_MAX = 105
#: AddtlInf may be repeated this often at least, in every version.
_ADDITIONAL_LINES = 10


@dataclass(frozen=True, slots=True)
class References:
    """What an answer says of the payment it is about; what is None is left out."""

    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What an application header (head.001.001.02) says beyond its message: both ends are agents with a BIC or a
    clearing system number; ``service`` is BizSvc.
    """

    sender: Agent
    receiver: Agent
    service: str | None = None


def escape(text: str) -> str:
    """Text for an element: markup escaped, characters that XML 1.0 does not have dropped."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], ""), text)


def _element(name: str, value: str | None) -> str:
    text = escape(value) if value else ""
    return f"<{name}>{text}</{name}>" if text else ""


def _institution(found: Agent) -> str:
    """FinInstnId of an agent: its BIC, else its membership of a clearing system."""
    if found.bic is not None:
        return f"<FinInstnId><BICFI>{escape(found.bic)}</BICFI></FinInstnId>"
    system = ""
    if found.clearing_system is not None:
        system = f"<ClrSysId><Cd>{escape(found.clearing_system)}</Cd></ClrSysId>"
    member = _element("MmbId", found.clearing_id)
    return f"<FinInstnId><ClrSysMmbId>{system}{member}</ClrSysMmbId></FinInstnId>"


def _agent(name: str, found: Agent | None) -> str:
    return "" if found is None else f"<{name}>{_institution(found)}</{name}>"


def _reason(name: str, code: str | None, text: str | None) -> str:
    """A reason with its code and free text, the text cut into lines of 105."""
    if code is None and not text:
        return ""
    chosen = "" if code is None else f"<Rsn><{_kind(code)}>{escape(code)}</{_kind(code)}></Rsn>"
    lines = ""
    if text:
        text = _NOT_XML.sub("", text)
        cut = range(0, min(len(text), _ADDITIONAL_MAX * _ADDITIONAL_LINES), _ADDITIONAL_MAX)
        lines = "".join(_element("AddtlInf", text[start : start + _ADDITIONAL_MAX]) for start in cut)
    return f"<{name}>{chosen}{lines}</{name}>"


def _kind(code: str) -> str:
    """An external code has four characters; a longer one is the scheme's own."""
    return "Cd" if len(code) <= 4 else "Prtry"


def _references(found: References) -> str:
    return (
        f"{_element('OrgnlInstrId', found.instruction_id)}{_element('OrgnlEndToEndId', found.end_to_end_id)}"
        f"{_element('OrgnlTxId', found.transaction_id)}{_element('OrgnlUETR', found.uetr)}"
    )


def app_header(header: Header, *, message_id: str, identifier: str, created: str) -> str:
    """The application header head.001.001.02 as text. ``created`` is an ISO 8601 time with its zone."""
    return (
        f'<AppHdr xmlns="{NAMESPACE}head.001.001.02">'
        f"<Fr><FIId>{_institution(header.sender)}</FIId></Fr><To><FIId>{_institution(header.receiver)}</FIId></To>"
        f"{_element('BizMsgIdr', message_id)}<MsgDefIdr>{identifier}</MsgDefIdr>"
        f"{_element('BizSvc', header.service)}<CreDt>{escape(created)}</CreDt></AppHdr>"
    )


def _bytes(document: str, header: Header | None, message_id: str, identifier: str, created: str) -> bytes:
    if header is not None:
        text = app_header(header, message_id=message_id, identifier=identifier, created=created)
        document = f"<RequestPayload>{text}{document}</RequestPayload>"
    return (_DECLARATION + document).encode()


def status_report(
    *,
    message_id: str,
    created: str,
    original_message_id: str,
    original_message_name: str,
    references: References | None = None,
    status: str | None = None,
    group_status: str | None = None,
    reason_code: str | None = None,
    reason_text: str | None = None,
    acceptance_time: str | None = None,
    instructing_agent: Agent | None = None,
    instructed_agent: Agent | None = None,
    version: str = "pacs.002.001.10",
    header: Header | None = None,
) -> bytes:
    """A pacs.002 about one payment (``references``), or about a whole message (without).

    ``status`` is TxSts (ACSC, ACSP, PDNG, RJCT...), ``group_status`` GrpSts, which is what SCT Inst asks for (ACCP,
    RJCT). ``original_message_name`` is ``pacs.008`` in SEPA and ``pacs.008.001.08`` elsewhere. The agents are those
    that this report goes from and to. ``created`` and ``acceptance_time`` are ISO 8601 times. ValueError for a
    version that is not in STATUS_REPORT_VERSIONS.
    """
    if version not in STATUS_REPORT_VERSIONS:
        raise ValueError(f"{version} is not among {', '.join(STATUS_REPORT_VERSIONS)}")
    reason = _reason("StsRsnInf", reason_code, reason_text)
    transaction = ""
    if references is not None:
        transaction = (
            f"<TxInfAndSts>{_references(references)}{_element('TxSts', status)}{reason}"
            f"{_element('AccptncDtTm', acceptance_time)}</TxInfAndSts>"
        )
    group_reason = reason if references is None else ""
    document = (
        f'<Document xmlns="{NAMESPACE}{version}"><FIToFIPmtStsRpt>'
        f"<GrpHdr><MsgId>{escape(message_id)}</MsgId><CreDtTm>{escape(created)}</CreDtTm>"
        f"{_agent('InstgAgt', instructing_agent)}{_agent('InstdAgt', instructed_agent)}</GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(original_message_id)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>{escape(original_message_name)}</OrgnlMsgNmId>"
        f"{_element('GrpSts', group_status)}{group_reason}</OrgnlGrpInfAndSts>{transaction}"
        "</FIToFIPmtStsRpt></Document>"
    )
    return _bytes(document, header, message_id, version, created)


def resolution(
    *,
    message_id: str,
    created: str,
    assigner: Agent,
    assignee: Agent,
    confirmation: str,
    original_message_id: str,
    original_message_name: str,
    references: References,
    status: str | None = None,
    status_id: str | None = None,
    reason_code: str | None = None,
    reason_text: str | None = None,
    version: str = "camt.029.001.09",
    header: Header | None = None,
) -> bytes:
    """A camt.029 that answers a request to cancel one payment.

    ``confirmation`` is CNCL (cancelled), RJCR (refused, with a reason) or PDCR (pending); ``status`` is TxCxlSts (ACCR,
    RJCR, PDCR). ValueError for a version that is not in RESOLUTION_VERSIONS.
    """
    if version not in RESOLUTION_VERSIONS:
        raise ValueError(f"{version} is not among {', '.join(RESOLUTION_VERSIONS)}")
    original = (
        f"<OrgnlGrpInf><OrgnlMsgId>{escape(original_message_id)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>{escape(original_message_name)}</OrgnlMsgNmId></OrgnlGrpInf>"
    )
    document = (
        f'<Document xmlns="{NAMESPACE}{version}"><RsltnOfInvstgtn><Assgnmt><Id>{escape(message_id)}</Id>'
        f"<Assgnr><Agt>{_institution(assigner)}</Agt></Assgnr><Assgne><Agt>{_institution(assignee)}</Agt></Assgne>"
        f"<CreDtTm>{escape(created)}</CreDtTm></Assgnmt><Sts><Conf>{escape(confirmation)}</Conf></Sts>"
        f"<CxlDtls><TxInfAndSts>{_element('CxlStsId', status_id)}{original}{_references(references)}"
        f"{_element('TxCxlSts', status)}{_reason('CxlStsRsnInf', reason_code, reason_text)}"
        "</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>"
    )
    return _bytes(document, header, message_id, version, created)


def forwarded(message: Message) -> bytes:
    """The bytes to deliver to the receiver: those received, untouched."""
    return message.raw
