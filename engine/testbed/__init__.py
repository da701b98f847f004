"""A running engine on this machine to try things on: banks, messages of all four families, senders, checks.

Rule: nothing here has a private door: messages go through Kafka, signed, as any bank's would; results are read from
Postgres and from the outgoing topics. Everything random comes from a seed.
"""
