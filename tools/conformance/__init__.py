"""Conformance: the parsers run over a folder of messages whose manifest says what should become of each.

Rule: a record that states nothing counts as no opinion, never as agreement. Layout of the folder: one sub-folder for
each family (``mt``, ``iso20022``, ``ach``) with a ``manifest.jsonl``, one JSON object a file, or one such sub-folder.
"""
