"""Settings: where they come from, in which order, what is refused with which sentence, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import UsageFault
from engine.settings import load, mask_url, origin, unknown_variables


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no settings file of the machine that runs the tests."""
    import os

    for name in list(os.environ):
        if name.startswith("QENEX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = load()
    assert settings.data == tmp_path / ".qenex"
    assert (settings.kafka, settings.postgres) == (None, None)
    assert (settings.settle_linger_ms, settings.settle_batch) == (5, 500)
    assert (settings.stage_linger_ms, settings.stage_batch, settings.producer_linger_ms) == (10, 100, 10)
    assert settings.ingest_signatures == "on"
    assert settings.librdkafka() == {"security.protocol": "PLAINTEXT"}


def test_options_before_environment_before_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "qenex.toml").write_text('stage_workers = 2\nstage_batch = 100\nlog_level = "debug"\n')
    monkeypatch.setenv("QENEX_STAGE_BATCH", "200")
    monkeypatch.setenv("QENEX_LOG_LEVEL", "error")
    settings = load(log_level="warning", data=None)
    assert (settings.stage_workers, settings.stage_batch, settings.log_level) == (2, 200, "warning")
    assert origin("stage_workers") == str(tmp_path / "qenex.toml")
    assert origin("stage_batch") == "QENEX_STAGE_BATCH"
    assert origin("settle_batch") == "default"


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QENEX_CONFIG", str(tmp_path / "other.toml"))
    with pytest.raises(UsageFault, match=r"other\.toml cannot be read"):
        load()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("INGEST_PARTITIONS", "0", "a whole number from 1 to 256"),
        ("STAGE_BATCH", "many", "a whole number from 1 to 10000"),
        ("INGEST_SIGNATURES", "maybe", "one of on, off"),
        ("DEPLOYMENT", "both", "one of fused, split"),
        ("KAFKA_SASL_MECHANISM", "NTLM", "one of PLAIN, SCRAM-SHA-256"),
        ("KAFKA", "broker", "HOST:PORT"),
        ("POSTGRES", "mysql://x", "postgresql://"),
        ("OPERATOR_BIC", "NOBIC", "BIC of 8 or 11"),
        ("ZONE", "Mars/Olympus", "time zone"),
        ("METRICS_PORT", "70000", "from 0 to 65535"),
    ],
)
def test_a_bad_value_names_the_variable_and_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"QENEX_{variable}", value)
    with pytest.raises(UsageFault) as refused:
        load()
    assert f"QENEX_{variable} is {value!r}; accepted:" in str(refused.value)
    assert said in str(refused.value)


def test_a_misspelt_name_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "qenex.toml").write_text("stage_worker = 2\n")
    with pytest.raises(UsageFault, match=r"'stage_worker', which is no setting\. Did you mean stage_workers"):
        load()
    monkeypatch.setenv("QENEX_KAKFA", "127.0.0.1:9092")
    assert unknown_variables() == ["QENEX_KAKFA"]


@pytest.mark.parametrize("text", ["= 1", "a = ", "\x00"])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "qenex.toml").write_text(text)
    with pytest.raises(UsageFault, match="is not TOML"):
        load()


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QENEX_POSTGRES", "postgresql://app:hunter2@db.test:5432/qenex?sslmode=verify-full")
    monkeypatch.setenv("QENEX_KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("QENEX_OPERATOR_TOKEN", "hunter2")
    settings = load()
    assert "hunter2" not in repr(settings) + str(settings) + str(settings.masked())
    assert settings.masked()["postgres"] == "postgresql://app:********@db.test:5432/qenex?sslmode=verify-full"
    assert settings.librdkafka()["sasl.password"] == "hunter2"
    assert mask_url("postgresql://h/d?password=hunter2&sslmode=require") == (
        "postgresql://h/d?password=********&sslmode=require"
    )


def test_security_goes_to_librdkafka_under_its_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QENEX_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("QENEX_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("QENEX_KAFKA_SASL_USERNAME", "qenex")
    monkeypatch.setenv("QENEX_KAFKA_SSL_CA_LOCATION", "ca.pem")
    assert load().librdkafka() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "qenex",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }


def test_settings_are_frozen() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.stage_workers = 3  # type: ignore[misc]
