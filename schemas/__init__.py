"""Schemas of the message formats, as data files with their provenance, and what loads them.

Rule: a file is used only if its hash is the one in its manifest; nothing is fetched, nothing but these files is read.
"""
