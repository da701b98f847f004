"""SEPA scheme rules over ISO 20022 messages: what the EPC's rulebooks ask beyond the schema.

Rule: a scheme is data: which messages it has, and an ordered tuple of small functions for each. Source: EPC SCT Inst
interbank implementation guidelines (EPC122-16), character set EPC217-08.
"""

from parsers.sepa.rules import RULES, check

__all__ = ["RULES", "check"]
