"""The one settings object: every switch of the engine, where it comes from and what it accepts.

Rule: only this module reads the environment and the settings file, once, at the start of a process; everything else
is handed a frozen `Settings`. Precedence: command-line options (passed to `load`), then the environment (``QENEX_`` and
the field's name in capitals), then one TOML file (``QENEX_CONFIG``, else ``qenex.toml`` here; same names in small
letters), then the defaults below. A bad value stops the process before any I/O, with the variable and what it accepts.
Durations carry their unit in the name; ports of 0 mean any free one.
"""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from engine.errors import UsageFault
from payments import BIC, InvalidIdentifierError

PREFIX = "QENEX_"
_FILE_NAME = "qenex.toml"
_MASK = "********"


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


def _bic(text: str) -> str:
    try:
        return BIC(text)
    except InvalidIdentifierError as fault:
        raise ValueError(str(fault)) from None


def _addresses(text: str) -> str:
    for address in text.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("not HOST:PORT")
    return text


def _postgres_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("not a Postgres address")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone") from None
    return text


FilePath = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Effective settings of this process. Frozen; each field's description says what it accepts."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", validate_default=False
    )

    # Where things are
    data: FilePath = Field(default=Path(".qenex"), validate_default=True, description="folder of the local stack")
    kafka: Annotated[str, AfterValidator(_addresses)] | None = Field(
        default=None, description="HOST:PORT[,HOST:PORT...] of a running cluster; unset: the local one"
    )
    postgres: Annotated[str, AfterValidator(_postgres_url)] | None = Field(
        default=None,
        repr=False,
        description="postgresql://USER:PASSWORD@HOST:PORT/DATABASE[?sslmode=...]; unset: the local one",
    )

    # The local stack
    kafka_port: Port = Field(default=0, description="port of the local Kafka; 0 = any free one")
    postgres_port: Port = Field(default=0, description="port of the local Postgres; 0 = any free one")
    backup: FilePath | None = Field(
        default=None,
        description="folder for backups and for Postgres's archived log, on another disk; unset: neither",
    )
    kafka_security: Literal["open", "scram"] = Field(
        default="open", description="scram: the local Kafka asks for passwords and keeps access lists"
    )
    kafka_heap_mb: int = Field(default=768, ge=256, le=65536, description="largest heap of the local Kafka, MB")
    helper_user: str = Field(
        default="nobody", description="existing user of this machine that Postgres runs as when started by root"
    )
    maven_mirror: str | None = Field(
        default=None, description="address of a Maven repository to fetch Kafka's jars from; unset: the public one"
    )

    # Kafka client security, handed to librdkafka as they are
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"] | None = None
    kafka_sasl_username: str | None = Field(default=None, description="user name at the broker")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="password at the broker")
    kafka_ssl_ca_location: FilePath | None = Field(default=None, description="file with the CA's certificates")
    kafka_ssl_certificate_location: FilePath | None = Field(default=None, description="file with our certificate")
    kafka_ssl_key_location: FilePath | None = Field(default=None, description="file with our private key")
    kafka_ssl_key_password: SecretStr | None = Field(default=None, description="password of our private key")

    # Ingest and stages
    ingest_signatures: Literal["on", "off"] = Field(
        default="on", description="on: a message without a valid lau header is refused"
    )
    ingest_partitions: int = Field(default=1, ge=1, le=256, description="partitions of each ingest topic, at creation")
    deployment: Literal["fused", "split"] = Field(
        default="fused", description="stateless stages in one loop, or each a consumer group of its own"
    )
    stage_workers: int = Field(default=1, ge=1, le=64, description="processes of the stages on this machine")
    settlement_workers: int = Field(
        default=1, ge=1, le=8, description="settlement processes on this machine; all but one stand by"
    )
    stage_batch: int = Field(default=100, ge=1, le=10_000, description="most messages a stage takes at once")
    stage_linger_ms: int = Field(default=10, ge=0, le=1_000, description="longest wait of a stage for a fuller batch")
    settle_batch: int = Field(default=500, ge=1, le=10_000, description="most payments of one settlement commit")
    settle_linger_ms: int = Field(default=5, ge=0, le=1_000, description="longest wait of the writer for a batch")
    producer_linger_ms: int = Field(default=10, ge=0, le=1_000, description="longest wait of a producer for a batch")
    relay_linger_ms: int = Field(
        default=1_000, ge=0, le=10_000, description="longest wait of an answer for others to the same recipient"
    )

    # The system and who runs it
    operator_bic: Annotated[str, AfterValidator(_bic)] = Field(
        default="QENXDEFFXXX", description="BIC of 8 or 11 characters of the operator, sender of all answers"
    )
    operator_token: SecretStr | None = Field(default=None, description="token of the operator who types")
    operator_token_file: FilePath | None = Field(default=None, description="file of mode 600 with that token")
    sanctions_list: FilePath | None = Field(default=None, description="file of listed names; unset: the sample list")
    day_schedule: Literal["auto", "manual"] = Field(
        default="auto", description="auto: a book's day is closed and the next opened when its date (UTC) has passed"
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Europe/Berlin", description="time zone (IANA name) in which times are shown"
    )

    # Trying to break it
    crash_point: str | None = Field(
        default=None, description="a fault planted in this process by qenex faults; never set where money is"
    )

    # Observability
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_host: str = Field(default="127.0.0.1", description="address that metrics and health are served on")
    metrics_port: Port = Field(
        default=0, description="port of the first worker, the next ones follow; 0 = any free one"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, then environment, then the TOML file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=_from_file())

    def librdkafka(self) -> dict[str, str]:
        """The security settings under librdkafka's names; the bootstrap address is not among them."""
        fields = self.kafka_client_fields()
        return {field.removeprefix("kafka_").replace("_", "."): value for field, value in fields.items()}

    def kafka_client_fields(self) -> dict[str, str]:
        """The security settings that are set, by field, secrets in clear: for a client, or a process that we start."""
        found: dict[str, str] = {}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if field.startswith(("kafka_security_protocol", "kafka_sasl", "kafka_ssl")) and value is not None:
                found[field] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        return found

    def masked(self) -> dict[str, str | int | None]:
        """Every setting for a person to see: field -> value, secrets replaced by stars."""
        shown: dict[str, str | int | None] = {}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if isinstance(value, SecretStr):
                shown[field] = _MASK
            elif field == "postgres" and value is not None:
                shown[field] = mask_url(value)
            else:
                shown[field] = value if value is None or isinstance(value, int) else str(value)
        return shown


def mask_url(url: str) -> str:
    """The address with its password replaced by stars (as userinfo or as a ``password`` parameter)."""
    parts = urlsplit(url)
    if parts.password is not None:
        user, _, host = parts.netloc.rpartition("@")
        parts = parts._replace(netloc=f"{user.split(':', 1)[0]}:{_MASK}@{host}")
    pairs = [pair if not pair.startswith("password=") else f"password={_MASK}" for pair in parts.query.split("&")]
    return urlunsplit(parts._replace(query="&".join(pairs)))


def config_file() -> Path | None:
    """The settings file in force: ``QENEX_CONFIG``, else ``qenex.toml`` in the current folder, else none."""
    named = os.environ.get(PREFIX + "CONFIG")
    if named:
        return _absolute(Path(named))
    here = Path.cwd() / _FILE_NAME
    return here if here.is_file() else None


def unknown_variables() -> list[str]:
    """Variables that start with ``QENEX_`` and are no setting: most likely misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PREFIX + "CONFIG"}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def origin(field: str) -> str:
    """Where a setting's value comes from: the variable, the file, or ``default``."""
    if os.environ.get(PREFIX + field.upper()):
        return PREFIX + field.upper()
    return str(config_file()) if field in _from_file() else "default"


def environment_for_child(**changes: str) -> dict[str, str]:
    """Our environment with some settings (by field name) changed, for a process that we start."""
    return {**os.environ, **{PREFIX + field.upper(): value for field, value in changes.items()}}


def load(**options: Any) -> Settings:
    """Read the settings; ``options`` (from the command line, None = not given) come first. UsageFault when bad."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as invalid:
        raise UsageFault("\n".join(_sentence(dict(error)) for error in invalid.errors())) from None


def _from_file() -> dict[str, Any]:
    path = config_file()
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageFault(f"The settings file {path} cannot be read: {fault.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"The settings file {path} is not TOML: {fault}.") from None


def _sentence(error: dict[str, Any]) -> str:
    """One validation error as a sentence: variable, value, what is accepted."""
    field = str(error["loc"][0])
    name = PREFIX + field.upper()
    if error["type"] == "extra_forbidden":
        near = get_close_matches(field, Settings.model_fields, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"The settings file {config_file()} has {field!r}, which is no setting.{hint}"
    info = Settings.model_fields[field]
    value = _MASK if SecretStr in (info.annotation, *get_args(info.annotation)) else repr(error["input"])
    return f"{name} is {value}; accepted: {accepted(info)}."


def accepted(info: FieldInfo) -> str:
    """What a field accepts, in words: choices, range, or its description."""
    choices = [choice for part in (info.annotation, *get_args(info.annotation)) for choice in _choices(part)]
    if choices:
        return "one of " + ", ".join(choices)
    low = next((limit.ge for limit in info.metadata if hasattr(limit, "ge")), None)
    high = next((limit.le for limit in info.metadata if hasattr(limit, "le")), None)
    if low is not None:
        return f"a whole number from {low} to {high} ({info.description})"
    return info.description or "text"


def _choices(annotation: Any) -> list[str]:
    return [choice for choice in get_args(annotation) if isinstance(choice, str)]


__all__ = [
    "Settings",
    "accepted",
    "config_file",
    "environment_for_child",
    "load",
    "mask_url",
    "origin",
    "unknown_variables",
]
