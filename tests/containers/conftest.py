"""A Docker engine and the images for the container tests; where there is none, each is skipped and says why."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tools.local_images.docker_engine import NoEngineError, docker_engine
from tools.local_images.images import KAFKA, POSTGRES, Images, NoImageError


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The address of the engine: the one that answers, or one of this run (``make containers``, as root)."""
    try:
        engine = docker_engine(start=os.environ.get("START_DOCKERD") == "1")
        address = engine.__enter__()
    except NoEngineError as reason:
        pytest.skip(f"no Docker engine: {reason}")
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DOCKER_HOST", address)
            environment.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")  # its image is not to be had everywhere
            yield address
    finally:
        engine.__exit__(None, None, None)


@pytest.fixture(scope="session")
def images(docker_host: str) -> Images:
    """The images of Kafka and Postgres: official, or built here."""
    found = Images(docker_host, lambda text: None)
    try:
        found.ensure(POSTGRES, KAFKA)
    except NoImageError as reason:
        pytest.skip(f"no images: {reason}")
    return found
