"""Container images with the names and the interface of the official ones, built on this machine.

    .venv/bin/python -m tools.local_images              build what the compose file and tests/containers need
    .venv/bin/python -m tools.local_images --install    first install Docker's engine, compose and debootstrap (Debian)

Rule: for machines that reach no image registry, and for nothing else; where the official images can be had they are
used. A base with Python comes from `debootstrap`; Kafka, Java and Postgres are those that `engine.stack` runs.
What an image here shares with the official one is written in ``kafka/`` and ``postgres/``; it is what the compose file
and the tests rely on: names, tags, users, ports, volumes, variables, paths of programs; not its size, not its age.
"""
