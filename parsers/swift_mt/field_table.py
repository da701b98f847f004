"""The field table: every field's format in SWIFT's notation, with the names of its components and its code words.

Rule: a field is one row, tag | notation | names of the components in order; a name that ends with * holds several
lines, each a component of its own (NameAndAddress, NameAndAddress2, ...). What a component is called decides how it is
checked: Date, Currency, Amount, IdentifierCode, Time. Source: SWIFT User Handbook, Standards MT, field definitions of
categories 1, 2, 9 and n.
"""

from __future__ import annotations

TABLE = """
11R  | 3!n$6!n[$4!n6!n]                | MTNumber Date SessionNumber ISN
11S  | 3!n$6!n[$4!n6!n]                | MTNumber Date SessionNumber ISN
12   | 3!n                             | MTNumber
13C  | /8c/4!n<SIGN>4!n                | Code TimeIndication Sign TimeOffset
13D  | 6!n4!n<SIGN>4!n                 | Date Time Sign Offset
19   | 17d                             | Amount
20   | 16x                             | Reference
21   | 16x                             | Reference
21C  | 35x                             | Reference
21D  | 35x                             | Reference
21E  | 35x                             | Reference
21F  | 16x                             | Reference
21R  | 16x                             | Reference
23   | 16x                             | Code
23B  | 4!c                             | Type
23E  | 4!c[/30x]                       | InstructionCode AdditionalInformation
25   | 35x                             | Account
25A  | /34x                            | Account
25P  | 35x$<BIC>                       | Account IdentifierCode
26T  | 3!c                             | Type
28   | 5n[/2n]                         | StatementNumber SequenceNumber
28C  | 5n[/5n]                         | StatementNumber SequenceNumber
28D  | 5n/5n                           | MessageIndex Total
30   | 6!n                             | Date
32A  | 6!n3!a15d                       | Date Currency Amount
32B  | 3!a15d                          | Currency Amount
32C  | 6!n3!a15d                       | Date Currency Amount
32D  | 6!n3!a15d                       | Date Currency Amount
33B  | 3!a15d                          | Currency Amount
34F  | 3!a[<DC>]15d                    | Currency DCMark Amount
36   | 12d                             | Rate
37H  | <DC>[<N>]12d                    | Indicator Sign Rate
50   | 4*35x                           | NameAndAddress*
50A  | [/34x$]<BIC>                    | Account IdentifierCode
50C  | <BIC>                           | IdentifierCode
50F  | 35x$4*35x                       | PartyIdentifier NumberedLines
50G  | /34x$<BIC>                      | Account IdentifierCode
50H  | /34x$4*35x                      | Account NameAndAddress*
50K  | [/34x$]4*35x                    | Account NameAndAddress*
50L  | 35x                             | PartyIdentifier
51A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
52A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
52B  | <PARTY>[$35x]|35x               | DCMark Account Location Location
52C  | /34x                            | Account
52D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
53A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
53B  | <PARTY>[$35x]|35x               | DCMark Account Location Location
53C  | /34x                            | Account
53D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
54A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
54B  | <PARTY>[$35x]|35x               | DCMark Account Location Location
54D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
55A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
55B  | <PARTY>[$35x]|35x               | DCMark Account Location Location
55D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
56A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
56C  | /34x                            | Account
56D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
57A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
57B  | <PARTY>[$35x]|35x               | DCMark Account Location Location
57C  | /34x                            | Account
57D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
58A  | [<PARTY>$]<BIC>                 | DCMark Account IdentifierCode
58D  | [<PARTY>$]4*35x                 | DCMark Account NameAndAddress*
59   | [/34x$]4*35x                    | Account NameAndAddress*
59A  | [/34x$]<BIC>                    | Account IdentifierCode
59F  | [/34x$]4*35x                    | Account NumberedLines
60F  | <DC>6!n3!a15d                   | DCMark Date Currency Amount
60M  | <DC>6!n3!a15d                   | DCMark Date Currency Amount
61   | 6!n[4!n]<MARK>[1!a]15d1!a3!c<REF>[//16x][$34x] | ValueDate EntryDate DebitCreditMark FundsCode Amount TransactionType IdentificationCode ReferenceForTheAccountOwner ReferenceOfTheAccountServicingInstitution SupplementaryDetails
62F  | <DC>6!n3!a15d                   | DCMark Date Currency Amount
62M  | <DC>6!n3!a15d                   | DCMark Date Currency Amount
64   | <DC>6!n3!a15d                   | DCMark Date Currency Amount
65   | <DC>6!n3!a15d                   | DCMark Date Currency Amount
70   | 4*35x                           | Narrative
71A  | 3!a                             | Code
71B  | 6*35x                           | Narrative
71F  | 3!a15d                          | Currency Amount
71G  | 3!a15d                          | Currency Amount
72   | 6*35x                           | Narrative
75   | 6*35x                           | Narrative
76   | 6*35x                           | Narrative
77A  | 20*35x                          | Narrative
77B  | 3*35x                           | Narrative
77E  | <TEXT>                          | Text
77T  | <TEXT>                          | Narrative
79   | 35*50x                          | Narrative*
86   | 6*65x                           | Narrative*
90C  | 5n3!a15d                        | Number Currency Amount
90D  | 5n3!a15d                        | Number Currency Amount
"""  # noqa: E501 - a row is a line

#: Code words that a field may hold in the types named ("" stands for every type), and the code of the error.
CODE_WORDS: dict[str, tuple[frozenset[str], str]] = {
    "23B": (frozenset({"CRED", "CRTS", "SPAY", "SPRI", "SSTD"}), "T36"),
    "71A": (frozenset({"OUR", "SHA", "BEN"}), "T08"),
}

#: Fields that are references: neither beginning nor ending with a slash, no two in a row (code T26).
REFERENCES = frozenset({"20", "21", "21F", "21R"})

#: Numbers that lines of an option F may carry: 1 name, 2 address, 3 country and town, 4 date of birth, 5 place of
#: birth, 6 customer number, 7 national number, 8 more of 1, 6 or 7.
LINE_NUMBERS = {"50F": "12345678", "59F": "123"}

#: Codes of 50F's party identifier ``CODE/CC/id``.
IDENTIFIER_CODES = frozenset({"ARNU", "CCPT", "CUST", "DRLC", "EMPL", "NIDN", "SOSE", "TXID"})
