"""The seeded simulator: the engine's own code on a bus and a database in memory, under a clock and a scheduler that
follow from a seed, with faults; and an independent model of a bank that says after every step whether it stayed right.

Rule: one thread, no clock, no chance but the seed's: the same seed and code give the same history, bit for bit.
"""
