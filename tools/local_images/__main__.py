"""The command line: build the images, and first install what builds them when asked to."""

from __future__ import annotations

import argparse
import sys
import time

from tools.local_images.docker_engine import NoEngineError, docker_engine, install
from tools.local_images.images import ENGINE, KAFKA, POSTGRES, PYTHON, Images, NoImageError


def main() -> int:
    """0 done; 1 with the reason otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_images", description=__doc__)
    parser.add_argument("--install", action="store_true", help="install engine, compose, debootstrap by apt; no build")
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    if parser.parse_args().install:
        reason = install()
        say("installed: Docker's engine, compose, debootstrap" if reason is None else f"not installed: {reason}")
        return 0 if reason is None else 1
    try:
        with docker_engine() as address:
            Images(address, say).ensure(PYTHON, POSTGRES, KAFKA, ENGINE)
            say(f"all there at {address}")
    except (NoEngineError, NoImageError) as fault:
        say(str(fault))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
