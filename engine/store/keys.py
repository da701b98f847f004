"""Keys of participants: with which each signs what it sends (header ``lau``, HMAC-SHA256 of the value).

Rule: 32 random bytes; one key is valid, two while rotating: the sender moves to the new one when he is ready, and a
rotation that goes on ends the oldest. Retired keys are kept, for they explain what was accepted under them.
"""

from __future__ import annotations

import secrets

from engine.store.connection import Connection

KEY_BYTES = 32
#: Valid at the same time while a participant rotates.
_VALID_KEYS = 2


def active_keys(connection: Connection) -> dict[str, tuple[bytes, ...]]:
    """Participant's id -> its valid keys, the newest first."""
    found = connection.execute(
        "select participant, key from engine.participant_keys where retired_at is null"
        " order by participant, created_at desc, key"
    )
    keys: dict[str, tuple[bytes, ...]] = {}
    for participant, key in found.fetchall():
        keys[participant] = (*keys.get(participant, ()), bytes(key))
    return keys


def keys_of(connection: Connection, participant: str) -> tuple[bytes, ...]:
    """Valid keys of one participant, the newest first."""
    found = connection.execute(
        "select key from engine.participant_keys where participant = %s and retired_at is null"
        " order by created_at desc, key",
        (participant,),
    )
    return tuple(bytes(row[0]) for row in found.fetchall())


def ensure(connection: Connection, participant: str) -> bytes:
    """The newest valid key; the first one is made here."""
    with connection.transaction():
        _lock(connection, participant)
        known = keys_of(connection, participant)
        return known[0] if known else _create(connection, participant)


def rotate(connection: Connection, participant: str) -> bytes:
    """A new key beside the one in use; an older one that was still valid ends now."""
    with connection.transaction():
        _lock(connection, participant)
        for key in keys_of(connection, participant)[_VALID_KEYS - 1 :]:
            _retire(connection, participant, key)
        return _create(connection, participant)


def finish_rotation(connection: Connection, participant: str) -> int:
    """End all keys but the newest; returns how many ended."""
    with connection.transaction():
        _lock(connection, participant)
        old = keys_of(connection, participant)[1:]
        for key in old:
            _retire(connection, participant, key)
        return len(old)


def _lock(connection: Connection, participant: str) -> None:
    """Two rotations of one participant follow one another."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('qenex.key.' || %s, 0))", (participant,))


def _create(connection: Connection, participant: str) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    connection.execute(
        "insert into engine.participant_keys (participant, key, created_at) values (%s, %s, clock_timestamp())",
        (participant, key),
    )
    return key


def _retire(connection: Connection, participant: str, key: bytes) -> None:
    connection.execute(
        "update engine.participant_keys set retired_at = clock_timestamp() where participant = %s and key = %s",
        (participant, key),
    )
