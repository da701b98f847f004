"""The real-time gross settlement core: which payment settles, when, and why not yet.

Rule: pure. No module here reads a clock, a file, the network or randomness, and none is asynchronous: the one writer
of a book calls in, and what it gets back depends on nothing but what it passed before. Modules, in order of use:
``schemes`` (profiles), ``calendar`` and ``day`` (business days), ``admission`` (may it enter), ``book`` (funds, queues,
limits), ``resolver`` (the whole queue at once), ``lifecycle`` (the states a payment passes).
"""
