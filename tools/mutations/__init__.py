"""Mutated inputs: broken on purpose and at random from a seed, they must give records and never an exception."""
