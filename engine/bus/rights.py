"""Who may do what at the broker: passwords (SCRAM) and access lists, made from one table.

Rule: nobody may do what no row here allows. The engine's user reads and writes its own topics; a participant writes to
the ingest topics and reads the topic of answers to him, with groups whose names begin with his own. Neither may create
users or rights: only the administrator of the local broker does, whose password never leaves the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from engine.bus.kafka import Health, common_config, error_of, translated
from engine.bus.port import OperatingFaultError
from engine.bus.settings import BusSettings
from engine.bus.topics import CONTRACTS, INGEST_TOPICS, OUTBOUND, outbound_topic

ENGINE = "qenex"
MECHANISM = "SCRAM-SHA-512"
_ITERATIONS = 8_192  # of the hash that the broker keeps; Kafka's least is 4,096

Kind = Literal["topic", "group", "cluster"]
_KINDS: Mapping[Kind, ResourceType] = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
}


@dataclass(frozen=True, slots=True)
class Right:
    """A user may do ``operations`` (Kafka's names) with what is named so, or begins so."""

    user: str
    kind: Kind
    name: str
    operations: tuple[str, ...]
    begins: bool = False


def engine_rights(user: str = ENGINE) -> tuple[Right, ...]:
    """The engine's: everything with its own topics and groups, and to see what the cluster is."""
    names = [contract.name for contract in CONTRACTS if not contract.per_participant]
    return (
        *(Right(user, "topic", name, ("ALL",)) for name in names),
        Right(user, "topic", OUTBOUND.partition("<")[0], ("ALL",), begins=True),
        Right(user, "group", "qenex", ("ALL",), begins=True),
        Right(user, "cluster", "kafka-cluster", ("DESCRIBE",)),
    )


def participant_rights(participant: str) -> tuple[Right, ...]:
    """A participant's: write to ingest, read his own answers. The user has the participant's name."""
    return (
        *(Right(participant, "topic", name, ("WRITE", "DESCRIBE")) for name in INGEST_TOPICS),
        Right(participant, "topic", outbound_topic(participant), ("READ", "DESCRIBE")),
        Right(participant, "group", participant, ("READ", "DESCRIBE"), begins=True),
    )


class KafkaRights:
    """Makes users and rights, as the broker's administrator."""

    def __init__(self, settings: BusSettings) -> None:
        self._seconds = settings.request_timeout_ms / 1000
        self._health = Health("administration of rights")
        config: dict[str, Any] = {**common_config(settings), "error_cb": self._health.heard}
        self._client = AdminClient(config)

    def user(self, name: str, password: str) -> None:
        """A user with this password; one of this name gets it instead of his own."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        wanted = UserScramCredentialUpsertion(name, info, password=password.encode())
        self._results(self._client.alter_user_scram_credentials([wanted], request_timeout=self._seconds))

    def grant(self, rights: Sequence[Right]) -> None:
        """Let these be; those that are there already stay as they are."""
        pattern = {True: ResourcePatternType.PREFIXED, False: ResourcePatternType.LITERAL}
        bindings = [
            AclBinding(
                _KINDS[right.kind], right.name, pattern[right.begins], f"User:{right.user}", "*",
                AclOperation[operation], AclPermissionType.ALLOW,
            )
            for right in rights for operation in right.operations
        ]  # fmt: skip
        self._results(self._client.create_acls(bindings, request_timeout=self._seconds))

    def _results(self, futures: Mapping[Any, Any]) -> None:
        for future in futures.values():
            try:
                future.result(self._seconds + 5)
            except KafkaException as problem:
                raise translated(error_of(problem), "administration of rights") from problem
            except TimeoutError as problem:
                raise OperatingFaultError(f"administration of rights: no answer in {self._seconds} s") from problem
