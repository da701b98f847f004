"""What an exception quotes of a message does not go into the headers of its copy in the dead letters."""

from __future__ import annotations

import traceback

import pytest

from engine.observability.redaction import redacted


def stack_of(error: Exception) -> str:
    try:
        raise error
    except Exception as raised:
        return "".join(traceback.format_exception(raised))


@pytest.mark.parametrize(
    "private",
    ["Ada Lovelace", "DE89370400440532013000", "0532013000", "O'Neill", 'Müller "Bau" AG', "line one\\nline two"],
)
def test_a_quoted_value_is_left_out_and_the_stack_stays(private: str) -> None:
    text = redacted(stack_of(ValueError(f"the name {private!r} is too long")))
    assert private not in text
    assert "ValueError: the name (left out) is too long" in text
    assert "in stack_of" in text
    assert "test_redaction.py" in text


def test_account_numbers_are_left_out_without_quotes() -> None:
    text = redacted(stack_of(KeyError("IT60X0542811101000000123456")))
    assert "IT60X" not in text
    assert redacted("ValueError: account 1234567890 of GB29NWBK60161331926819") == (
        "ValueError: account (left out) of (left out)"
    )


def test_what_is_no_value_stays() -> None:
    said = "RuntimeError: the parser has a defect in field 32A"
    assert redacted(said) == said
