"""Faults on real processes: what is done to a running engine, what is watched meanwhile, and whether it stays right.

Rule: every fault comes from outside (signals, a proxy between processes, a full disk) or is planted at the start of a
process by one setting; the engine's own code knows nothing of it. What is found is judged by paths of their own: the
history that the testers wrote down, the database, and the outgoing topics.
"""
