"""The engine's adapters to Postgres: the only place of the engine where SQL is spoken.

Rule: functions work on the caller's cursor or connection, so that whoever owns the transaction decides what is
committed together. Shapes come from the migrations in ``ledger/sql``.
"""
