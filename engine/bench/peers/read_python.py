"""Run by a Python of its own: reads messages with one of two packages from PyPI; prints messages a second.

Arguments: ``mt103`` or ``mt940``, file of messages (length as four bytes, then the message), seconds, rounds. Rule: it
imports nothing of the engine.
"""

import importlib
import struct
import sys
import time


def messages(path: str) -> list[str]:
    """The messages of the file."""
    found, here = [], 0
    with open(path, "rb") as kept:
        data = kept.read()
    while here < len(data):
        (size,) = struct.unpack_from(">I", data, here)
        found.append(data[here + 4 : here + 4 + size].decode("latin-1"))
        here += 4 + size
    return found


def main() -> None:
    """Measure; the best round counts."""
    kind, path, seconds, rounds = sys.argv[1:]
    if kind == "mt103":
        form = importlib.import_module("mt103").MT103

        def read(text: str) -> object:
            return form(text).text.transaction_reference

    else:
        parse = importlib.import_module("mt940").parse

        def read(text: str) -> object:
            return [entry.data for entry in parse(text)]

    batch, best = messages(path), 0.0
    for _ in range(int(rounds) + 1):
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < float(seconds):
            read(batch[done % len(batch)])
            done += 1
        best = max(best, done / (time.perf_counter() - began))
    sys.stdout.write(f"{best}\n")


if __name__ == "__main__":
    main()
