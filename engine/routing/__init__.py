"""Participants, reachability, schemes: to whom a payment goes and in which book it settles. Pure values."""
