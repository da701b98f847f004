"""Compliance: screening against watch lists, limits, the decision, and the rules of cases.

Rule: pure functions and values; no bus, no store, no clock. The only reading of files is ``importing.read_inputs`` and
the list that ships with the package.
"""
