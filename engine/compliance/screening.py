"""Screening of a payment: its parties and agents against a watch list, each hit with a reason a person can follow.

Rule: pure; a verdict depends on the party, the list's version and the settings' version alone, and names both. Names,
birth dates, countries, identifiers and BICs are screened of debtor, creditor and ultimate parties; BICs and names of
every agent (Wolfsberg guidance on sanctions screening 2019). A good-guy entry suppresses one pair of party and listed
entry, shows itself, and is void when either of the two changed or its day is over.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cached_property
from typing import Final

import msgspec

from engine.compliance.index import NameIndex
from engine.compliance.normalise import Name, normalise
from engine.compliance.qualifiers import NO_QUALIFIER, birth_date_qualifier, country_qualifier, type_qualifier
from engine.compliance.scoring import Comparison, Pair, compare
from engine.compliance.watchlist import Entry, EntryType, Measure, Strength, WatchList
from payments import Agent, Party, Payment

#: Raised with every change of normalisation, tables or scoring: part of each settings version.
METHOD: Final = "names-1"


class ScreeningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a hit. Scores go from 0 to 1.

    A name alone reaches ``name_weight``; what is left to 1 is for what corroborates it, so that the queue has an order.
    """

    threshold: float = 0.76
    name_weight: float = 0.95
    weak_alias_loss: float = 0.1
    weak_aliases: bool = True
    identifier_length_min: int = 5
    hits_max: int = 20
    cache_size: int = 65_536

    @property
    def version(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the settings and the method."""
        return hashlib.sha256(METHOD.encode() + msgspec.json.encode(self)).hexdigest()[:16]


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A value of a payment that resembles a listed entry.

    ``field`` is the place in the payment (``creditor.name``), ``party`` the fingerprint to name in a good-guy entry.
    """

    field: str
    value: str
    entry_id: str
    entry_version: str
    list: str
    matched_name: str
    score: float
    reason: str
    measure: Measure
    party: str


class GoodGuy(msgspec.Struct, frozen=True, kw_only=True):
    """Two operators found that this party is not that entry. ``expires`` is the last day (ISO 8601) it holds."""

    party: str
    entry_id: str
    entry_version: str
    expires: str
    reason: str
    proposed_by: str
    approved_by: str

    def __post_init__(self) -> None:
        if self.proposed_by == self.approved_by:
            raise ValueError(f"a good-guy entry needs two operators; {self.approved_by} proposed and approved this one")
        if not self.reason.strip():
            raise ValueError("a good-guy entry needs a reason")


class Suppressed(msgspec.Struct, frozen=True, gc=False):
    """A hit that a good-guy entry keeps from holding the payment."""

    hit: Hit
    good_guy: GoodGuy


class Screening(msgspec.Struct, frozen=True, gc=False):
    """Outcome of screening one payment, best hits first, with the versions it was made under."""

    hits: tuple[Hit, ...]
    suppressed: tuple[Suppressed, ...]
    list_version: str
    settings_version: str


def fingerprint(value: str, birth_date: str | None = None, country: str | None = None) -> str:
    """What identifies a party to the good-guy list: the words of its name, birth date and country, hashed."""
    words = " ".join(sorted(normalise(value).tokens))
    return hashlib.sha256("|".join((words, birth_date or "", country or "")).encode()).hexdigest()[:32]


class _Listed(msgspec.Struct, frozen=True):
    """One name of the list, with its entry."""

    entry: Entry
    text: str
    strength: Strength


class Screener:
    """A list, settings and good guys, ready to screen. Build one per version: the index takes a while to make."""

    def __init__(
        self,
        watchlist: WatchList,
        settings: ScreeningSettings | None = None,
        good_guys: tuple[GoodGuy, ...] = (),
    ) -> None:
        self.watchlist = watchlist
        self.settings = settings = settings or ScreeningSettings()
        self._good_guys = {(good.party, good.entry_id): good for good in good_guys}
        self._listed: list[_Listed] = []
        names: list[Name] = []
        for entry in watchlist.entries:
            for listed in entry.names:
                normal = normalise(listed.text)
                if normal.tokens and (settings.weak_aliases or listed.strength != "weak"):
                    self._listed.append(_Listed(entry, listed.text, listed.strength))
                    names.append(normal)
        self._names = names
        self._index = NameIndex(names, settings.threshold / settings.name_weight - 0.05)
        self._bics, self._identifiers = _by_bic(watchlist), _by_identifier(watchlist, settings.identifier_length_min)
        #: For names with candidates only: a name like no listed one is judged faster than it is remembered.
        self._compared: dict[tuple[str, str | None, str | None, EntryType], tuple[Hit, ...]] = {}
        self._clean = Screening((), (), watchlist.version, settings.version)

    @cached_property
    def versions(self) -> tuple[str, str]:
        """Version of the list and of the settings."""
        return self._clean.list_version, self._clean.settings_version

    def screen(
        self,
        payment: Payment,
        *,
        names: bool = True,
        lists: frozenset[str] | None = None,
        today: str | None = None,
    ) -> Screening:
        """Screen a payment.

        ``names`` False leaves the parties out (a scheme may have to); ``lists`` keeps the hits of these lists only;
        ``today`` (ISO 8601) is for the expiry of good guys: without it none applies.
        """
        hits: list[Hit] = []
        if names:
            for field, party in (
                ("debtor", payment.debtor),
                ("creditor", payment.creditor),
                ("ultimate_debtor", payment.ultimate_debtor),
                ("ultimate_creditor", payment.ultimate_creditor),
            ):
                if party is not None:
                    self._party(field, party, hits)
        for field, agent in (
            ("debtor_agent", payment.debtor_agent),
            ("creditor_agent", payment.creditor_agent),
            ("instructing_agent", payment.instructing_agent),
            ("instructed_agent", payment.instructed_agent),
        ):
            if agent is not None:
                self._agent(field, agent, hits)
        for number, agent in enumerate(payment.intermediaries):
            self._agent(f"intermediaries[{number}]", agent, hits)
        if lists is not None:
            hits = [hit for hit in hits if hit.list in lists]
        return self._outcome(hits, today) if hits else self._clean

    def screen_name(
        self,
        name: str,
        birth_date: str | None = None,
        country: str | None = None,
        kind: EntryType = "any",
    ) -> tuple[Hit, ...]:
        """Hits of one name, best first, one per entry; ``field`` is ``name``."""
        normal = normalise(name)
        if not normal.tokens or self._index.unlike_any(normal):
            return ()
        about = (name, birth_date, country, kind)
        found = self._compared.get(about)
        if found is None:
            if len(self._compared) >= self.settings.cache_size:
                self._compared.clear()
            found = self._compared[about] = self._compare(normal, *about)
        return found

    def _compare(
        self, normal: Name, name: str, birth_date: str | None, country: str | None, kind: EntryType
    ) -> tuple[Hit, ...]:
        best: dict[str, Hit] = {}
        for number in self._index.candidates(normal):
            compared = compare(normal, self._names[number])
            if compared.score < self.settings.threshold - 0.1:
                continue
            hit = self._hit(name, self._listed[number], compared, (birth_date, country, kind))
            if hit is not None and (hit.entry_id not in best or best[hit.entry_id].score < hit.score):
                best[hit.entry_id] = hit
        ordered = sorted(best.values(), key=lambda hit: (-hit.score, hit.entry_id))
        return tuple(ordered[: self.settings.hits_max])

    def _hit(
        self, name: str, listed: _Listed, compared: Comparison, about: tuple[str | None, str | None, EntryType]
    ) -> Hit | None:
        birth_date, country, kind = about
        entry, settings = listed.entry, self.settings
        qualifiers = (
            birth_date_qualifier(birth_date, entry.birth_dates),
            country_qualifier(country, entry.countries),
            type_qualifier(kind, entry.type),
        )
        score = compared.score * settings.name_weight + sum(qualifier.delta for qualifier in qualifiers)
        if listed.strength == "weak":
            score -= settings.weak_alias_loss
        if score < settings.threshold:
            return None
        reasons = [explain(compared), *(one.text for one in qualifiers if one is not NO_QUALIFIER)]
        if listed.strength == "weak":
            reasons.append("the list calls this alias weak")
        return Hit(
            field="name",
            value=name,
            entry_id=entry.id,
            entry_version=entry.version,
            list=entry.list,
            matched_name=listed.text,
            score=round(min(score, 1.0), 4),
            reason="; ".join(reasons),
            measure=entry.measure,
            party=fingerprint(name, birth_date, country),
        )

    def _party(self, field: str, party: Party, hits: list[Hit]) -> None:
        country = party.address.country if party.address is not None else None
        if party.name:
            kind: EntryType = "any"
            if party.birth_date is not None:
                kind = "person"
            elif party.lei is not None or party.bic is not None:
                kind = "organisation"
            found = self.screen_name(party.name, party.birth_date, country, kind)
            if found:
                hits.extend(msgspec.structs.replace(hit, field=f"{field}.name") for hit in found)
        if party.bic is not None:
            self._listed_bic(f"{field}.bic", party.bic, hits)
        if self._identifiers:
            for name, value in (
                ("lei", party.lei),
                ("identification", party.identification),
                ("account", party.account),
            ):
                if value is not None:
                    self._listed_identifier(f"{field}.{name}", value, hits)

    def _agent(self, field: str, agent: Agent, hits: list[Hit]) -> None:
        bic, listed = agent.bic, self._bics
        if listed and bic is not None and (bic[:8] in listed or bic in listed):
            self._listed_bic(f"{field}.bic", bic, hits)
        if agent.name:
            country = agent.address.country if agent.address is not None else None
            found = self.screen_name(agent.name, None, country, "organisation")
            if found:
                hits.extend(msgspec.structs.replace(hit, field=f"{field}.name") for hit in found)

    def _listed_bic(self, field: str, bic: str, hits: list[Hit]) -> None:
        found = self._bics.get(bic[:8], ()) + self._bics.get(bic, ())
        if found:
            hits.extend(_exact(field, bic, entry, f"BIC {bic} is listed") for entry in found)

    def _listed_identifier(self, field: str, value: str, hits: list[Hit]) -> None:
        found = self._identifiers.get(_plain(value), ())
        if found:
            hits.extend(_exact(field, value, entry, f"identifier {value} is listed") for entry in found)

    def _outcome(self, hits: list[Hit], today: str | None) -> Screening:
        open_hits, suppressed = [], []
        for hit in sorted(hits, key=lambda hit: (-hit.score, hit.field, hit.entry_id)):
            good = self._good_guys.get((hit.party, hit.entry_id))
            holds = good is not None and today is not None and today <= good.expires
            if good is not None and holds and good.entry_version == hit.entry_version:
                suppressed.append(Suppressed(hit, good))
            else:
                open_hits.append(hit)
        return Screening(tuple(open_hits), tuple(suppressed), *self.versions)


def _exact(field: str, value: str, entry: Entry, reason: str) -> Hit:
    return Hit(
        field=field,
        value=value,
        entry_id=entry.id,
        entry_version=entry.version,
        list=entry.list,
        matched_name=entry.primary_name,
        score=1.0,
        reason=reason,
        measure=entry.measure,
        party=fingerprint(value),
    )


def _plain(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()


def _by_bic(watchlist: WatchList) -> dict[str, tuple[Entry, ...]]:
    """BIC of eight characters (every branch) or of eleven (that branch) -> entries."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in watchlist.entries:
        for bic in entry.bics:
            found[bic[:8] if bic[8:] in ("", "XXX") else bic].append(entry)
    return {bic: tuple(entries) for bic, entries in found.items()}


def _by_identifier(watchlist: WatchList, length_min: int) -> dict[str, tuple[Entry, ...]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in watchlist.entries:
        for identifier in entry.identifiers:
            plain = _plain(identifier.value)
            if len(plain) >= length_min:
                found[plain].append(entry)
    return {value: tuple(entries) for value, entries in found.items()}


_SAID: Final = {
    "equal": "“{0}” = “{1}”",
    "initial": "“{0}” ~ “{1}” (initial)",
    "short form": "“{0}” ~ “{1}” (short form)",
    "joined": "“{0}” = “{1}” (written together)",
    "spelling": "“{0}” ~ “{1}” (spelling, {2}%)",
    "sound": "“{0}” ~ “{1}” (same sound, {2}%)",
    "consonants": "“{0}” ~ “{1}” (same consonants)",
}


def _said(pair: Pair) -> str:
    return _SAID[pair.kind].format(pair.screened, pair.listed, round(pair.similarity * 100))


def explain(compared: Comparison) -> str:
    """A comparison in words: which words matched which, and which had no partner."""
    parts = [", ".join(map(_said, compared.pairs))]
    if compared.only_screened:
        parts.append(f"not in the listed name: {' '.join(compared.only_screened)}")
    if compared.only_listed:
        parts.append(f"only in the listed name: {' '.join(compared.only_listed)}")
    return "; ".join(parts)
