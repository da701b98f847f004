"""Runs the system: stages, bus, store, commands; the only package that does I/O."""
