"""Double entry in Postgres: accounts, entries, postings, balances.

Rule: it knows accounts and entries; of a payment it knows only the id. Everything works on the caller's cursor: the
engine owns the transaction, so that entries, inbox and positions are committed together or not at all.
"""

from ledger.entry import Account, Entry, InvariantBrokenError, Ledger, Posting

__all__ = ["Account", "Entry", "InvariantBrokenError", "Ledger", "Posting"]
