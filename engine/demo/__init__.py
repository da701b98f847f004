"""The demonstration: invented banks, their messages, and what is to become of each.

Rule: every name, BIC, account and routing number is invented. The messages are files in ``samples`` with placeholders
for what differs from run to run (references, dates, two amounts); what each is to become is data in ``story``; `told`
sends them as any bank does. Nothing of the engine knows that this package is there.
"""
