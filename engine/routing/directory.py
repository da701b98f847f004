"""The reference document: participants, their accounts and schemes, limits; one version at a time.

Rule: a document is checked when it is read (pydantic, at the edge) and is a valid value from then on; stages and the
book's writer look at the same versioned document. A participant is found by BIC of 11, by the institution's 8, or by
routing number. Amounts in the public file are decimal strings, inside minor units.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from parsers import swift_mt
from payments import BIC, InvalidAmountError, InvalidIdentifierError, Money, RoutingNumber
from settlement.schemes import BOOK_CURRENCY, BOOKS, SCHEMES


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountTerms(_Strict):
    """A settlement account asked for: opening balance and credit line in major units."""

    system: str
    currency: str
    opening_balance: str = "0"
    credit_line: str = "0"

    @field_validator("system")
    @classmethod
    def _known_system(cls, value: str) -> str:
        if value not in BOOKS:
            raise ValueError(f"{value!r} is not a settlement system; there are {', '.join(BOOKS)}")
        return value

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        try:
            opening, line = self.opening, self.line
        except InvalidAmountError as problem:
            raise ValueError(str(problem)) from problem
        if self.currency != BOOK_CURRENCY[self.system]:
            raise ValueError(f"{self.system} settles {BOOK_CURRENCY[self.system]}, not {self.currency}")
        if opening < 0 or line < 0:
            raise ValueError("opening_balance and credit_line are not negative")
        return self

    @property
    def opening(self) -> int:
        """Opening balance in minor units."""
        return Money.parse(self.opening_balance, self.currency).minor

    @property
    def line(self) -> int:
        """Credit line in minor units."""
        return Money.parse(self.credit_line, self.currency).minor


class Limits(_Strict):
    """A participant's own limits in major units of the scheme's currency; None: no limit."""

    per_payment: str | None = None
    daily: str | None = None


class Participant(_Strict):
    """A bank of the system. Its id is its BIC of 11 characters, or its routing number when it has none."""

    bic: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=140)]
    lei: Annotated[str, Field(pattern=r"^[A-Z0-9]{18}[0-9]{2}$")] | None = None
    routing_number: str | None = None
    schemes: tuple[str, ...] = ()
    accounts: tuple[AccountTerms, ...] = ()
    status: Literal["active", "suspended"] = "active"
    limits: dict[str, Limits] = {}
    demoted_rules: tuple[str, ...] = ()

    @field_validator("bic")
    @classmethod
    def _valid_bic(cls, value: str | None) -> str | None:
        try:
            return None if value is None else str(BIC(value))
        except InvalidIdentifierError as problem:
            raise ValueError(str(problem)) from problem

    @field_validator("routing_number")
    @classmethod
    def _valid_routing_number(cls, value: str | None) -> str | None:
        try:
            return None if value is None else str(RoutingNumber(value))
        except InvalidIdentifierError as problem:
            raise ValueError(str(problem)) from problem

    @field_validator("schemes")
    @classmethod
    def _known_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in SCHEMES:
                raise ValueError(f"{name!r} is not a scheme; there are {', '.join(SCHEMES)}")
        return tuple(SCHEMES[name].name for name in value)

    @model_validator(mode="after")
    def _may_be_demoted(self) -> Self:
        if self.demoted_rules and self.bic is None:
            raise ValueError(f"{self.name}: rules are demoted for the BIC in a message's header, and there is none")
        if self.bic is not None:
            swift_mt.checked({self.bic: self.demoted_rules})
        return self

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.bic is None and self.routing_number is None:
            raise ValueError(f"{self.name}: a participant has a BIC or a routing number")
        return self

    @cached_property
    def id(self) -> str:
        """BIC of 11 characters, or routing number."""
        return self.bic or self.routing_number or ""


class Reference(_Strict):
    """The whole reference document."""

    participants: tuple[Participant, ...] = ()
    stopped: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: dict[str, str] = {}
        for participant in self.participants:
            for key in {participant.id, participant.routing_number or participant.id}:
                if key in seen:
                    raise ValueError(f"{key} is claimed by {seen[key]} and {participant.name}")
                seen[key] = participant.name
        return self


class Directory:
    """The reference document of one version, indexed for look-ups of a payment a microsecond."""

    def __init__(self, version: int, reference: Reference) -> None:
        self.version = version
        self.reference = reference
        self.participants = {participant.id: participant for participant in reference.participants}
        self._found: dict[str, Participant] = {}
        self._institutions: dict[str, Participant] = {}
        for participant in reference.participants:
            if participant.bic is not None:
                self._found[participant.bic] = participant
                if participant.bic.endswith("XXX") or participant.bic[:8] not in self._institutions:
                    self._institutions[participant.bic[:8]] = participant
            if participant.routing_number is not None:
                self._found[participant.routing_number] = participant
        self.accounts = {
            (participant.id, account.system)
            for participant in reference.participants
            for account in participant.accounts
        }
        #: BIC -> codes of SWIFT MT that are warnings in what this participant sends.
        self.demotions = {
            participant.id: frozenset(participant.demoted_rules)
            for participant in reference.participants
            if participant.demoted_rules
        }
        self.schemes = {participant.id: frozenset(participant.schemes) for participant in reference.participants}

    def find(self, identifier: str | None) -> Participant | None:
        """By BIC (8 or 11; a branch falls back to its institution) or routing number (9, or 8 without check digit)."""
        if identifier is None:
            return None
        found = self._found.get(identifier)
        if found is None and len(identifier) in (8, 11):
            found = self._institutions.get(identifier[:8])
            if found is None and len(identifier) == 8 and identifier.isdigit():
                found = self._found.get(identifier + str(RoutingNumber.check_digit(identifier)))
        return found
