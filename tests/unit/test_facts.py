"""Reference data is looked at again after LOOK_SECONDS, and not before."""

import pytest

from engine import facts
from engine.facts import LOOK_SECONDS, DirectorySource
from engine.routing.directory import Reference


@pytest.fixture
def stored(monkeypatch):
    """The version in the database."""
    version = [1]
    monkeypatch.setattr(facts.reference, "newest", lambda _connection: (version[0], Reference()))
    monkeypatch.setattr(facts.reference, "newest_version", lambda _connection: version[0])
    return version


@pytest.mark.parametrize(("every", "after", "seen"), [
    (LOOK_SECONDS, LOOK_SECONDS * 0.9, 1), (LOOK_SECONDS, LOOK_SECONDS, 2), (0.0, 0.0, 2),
])  # fmt: skip
def test_a_new_version_is_seen_in_time(stored, every, after, seen):
    now = [100.0]
    source = DirectorySource(lambda: None, lambda: now[0], every)
    assert source.current().version == 1
    stored[0] = 2
    now[0] += after
    assert source.current().version == seen
