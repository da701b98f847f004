"""Tables of words that carry little or no identity in a name: legal forms, titles, particles, common business words.

Rule: a table says what a word means for comparing names and nothing else does. Words are in the form that
``normalise`` gives them: Latin letters, lower case, no accents, no points. Legal forms follow the usual short forms of
company law (ISO 20275 groups them the same way, by meaning); the choice of words is ours.
"""

from __future__ import annotations

from typing import Final


def _table(text: str) -> dict[str, str]:
    """``class: word, phrase of words; class: ...`` as a dict: word or phrase -> class."""
    table = {}
    for row in text.strip().split(";"):
        group, _, words = row.partition(":")
        for word in words.split(","):
            if word.strip():
                table[" ".join(word.split())] = group.strip()
    return table


#: Phrase (words joined by a blank) -> class of legal form. Different spellings of one form have one class.
LEGAL_FORMS: Final = _table("""
jsc: jsc, joint stock company, joint stock co, jsco, ao, akg, aktiengesellschaft, aktsionernoe obshchestvo, ag, sa,
    spa, as, asa, ab, oy, oyj, nv, aktiebolag, anonim sirketi, societe anonyme, sociedad anonima, societa per azioni,
    naamloze vennootschap, anonymi etairia, ae, aktieselskab, a s, sa de cv, sab de cv, oao, ojsc, pao, pjsc, zao,
    cjsc, open joint stock company, public joint stock company, closed joint stock company, private joint stock
    company, otkrytoe aktsionernoe obshchestvo, publichnoe aktsionernoe obshchestvo, zakrytoe aktsionernoe
    obshchestvo, akcionerne tovarystvo, pat, prat, joint stock compan, gufen youxian gongsi;
llc: llc, limited liability company, limited liability co, ooo, obshchestvo s ogranichennoj otvetstvennostyu,
    obshchestvo s ogranichennoi otvetstvennostyu, obshestvo s ogranichennoy otvetstvennostyu, too, tov, gmbh,
    gesellschaft mit beschrankter haftung, ltd, limited, ltda, limitada, sarl, sarlu, srl, sl, bv, bvba, besloten
    vennootschap, sro, spol s ro, doo, oood, eood, kft, sp zoo, sp z oo, spolka z ograniczona odpowiedzialnoscia, uab,
    sia, aps, as ltd, pty ltd, pty limited, pty, pte ltd, pte, pvt ltd, pvt, private limited, co ltd, co limited,
    company limited, ltd co, company ltd, ltd sti, sdn bhd, limited sirketi, fzc, fzco, fze, fz llc, dmcc, wll,
    youxian gongsi, eurl, unipessoal lda, lda, societe a responsabilite limitee, sociedad limitada, sociedad de
    responsabilidad limitada, s de rl de cv, s de rl;
plc: plc, public limited company;
inc: inc, incorporated, corp, corporation, co, company, na, national association, bhd, tbk, pt, kk, kabushiki kaisha;
partnership: lp, llp, lllp, kg, ohg, snc, scs, sca, kd, kommanditgesellschaft, gmbh co kg, gmbh and co kg, limited
    partnership, limited liability partnership;
nonprofit: ano, ngo, ev, autonomous non profit organization, nonprofit organization, eingetragener verein, stichting,
    asbl;
state: fgup, gup, sue, fsue, federal state unitary enterprise, state unitary enterprise, mup;
""")
#: The longest phrase of LEGAL_FORMS, in words.
LEGAL_FORM_WORDS_MAX: Final = max(phrase.count(" ") + 1 for phrase in LEGAL_FORMS)
#: First words of legal forms, to skip the search at every other word.
LEGAL_FORM_STARTS: Final = frozenset(phrase.split(" ", 1)[0] for phrase in LEGAL_FORMS)
#: Short legal forms that stand before the name.
LEADING_FORMS: Final = frozenset("ab ano ao jsc kk llc oao oo ooo pao pat pt sp too tov uab zao ag gup mup".split())

#: Titles and forms of address: dropped where another word is left.
TITLES: Final = frozenset(
    """
mr mrs ms miss mister sir madam mme mlle monsieur madame herr frau fraulein senor senora senorita sr sra srta signor
signora don dona dr prof professor doctor doktor ing dipl phd md mba esq jr rev reverend father imam mullah mulla
maulavi mawlawi haji hajji hadji hajj sheikh shaikh shaykh sheik sayyid sayed syed sayyed ayatollah hojjatoleslam
president presidente prasident predsjednik presedintele presiden prezident elnok minister ministro general gen colonel
col lt lieutenant capt captain major maj sgt admiral commander brigadier marshal prince princess king queen emir sultan
his her excellency hon honourable honorable gospodin gospozha pan pani mv ms mt ss ship vessel motor tanker
""".split()
) - {"don", "general", "major", "captain", "king", "prince", "father", "sayed", "sayyid", "sayyed", "syed", "pan"}

#: Particles and connecting words: they count little on either side.
PARTICLES: Final = frozenset(
    """
al el ul ad ar as ash at az an bin ben ibn bint binti abu umm ould ag van von der den de del della dela di da do dos
das du des la le les lo los las y e i zu zum zur ter ten af av of the and und et for fur in on in with und st na a
o u pri za po s v iz
""".split()
)

#: Words that many organisations share: a match on these alone says little.
COMMON_WORDS: Final = frozenset(
    """
bank banco banque banka group gruppe grupo groupe holding holdings international intl trading trade traders general
company companies enterprise enterprises industries industry industrial services service solutions systems system
global world national state investment investments invest capital finance financial fund trust partners partner
management consulting consultants foundation association society organization organisation institute agency centre
center shipping marine maritime lines line airlines airways air aviation transport transportation logistics energy oil
gas petroleum petrochemical electric power construction engineering technology technologies tech import export
commercial development resources mining metals steel products production manufacturing factory plant works supply
equipment insurance real estate properties media communications telecom stores shop market markets house commerce
office branch division department bureau exchange agricultural
""".split()
)

#: Spellings that mean the same word.
SAME_WORD: Final = _table("""
international: intl, int'l, internationale, internacional;
organization: organisation, org;
1: first, 1st, one;
2: second, 2nd, two, ii;
3: third, 3rd, three, iii;
4: fourth, 4th, four;
5: fifth, 5th, five;
6: sixth, 6th, six;
7: seventh, 7th, seven;
8: eighth, 8th, eight;
9: ninth, 9th, nine;
10: tenth, 10th, ten;
11: eleventh, 11th, eleven;
12: twelfth, 12th, twelve;
20: twentieth, 20th, twenty;
30: thirtieth, thirty;
40: fortieth, forty, fourty;
50: fiftieth, fifty;
60: sixty;
70: seventy;
80: eighty;
90: ninety;
labor: labour;
center: centre;
""")

#: Short forms of given names -> the long one. One person may use either.
NICKNAMES: Final = _table("""
benjamin: ben, benny, bibi;
theodore: ted, teddy;
william: bill, billy, will;
robert: bob, bobby, rob;
richard: rick, dick;
james: jim, jimmy;
john: johnny, jack;
joseph: joe;
thomas: tom, tommy;
michael: mike, mick;
alexander: alex, aleksandr, sasha;
edward: ed, eddie;
anthony: tony;
andrew: andy;
daniel: dan, danny;
david: dave;
elizabeth: liz, beth;
katherine: kate, katie;
margaret: maggie;
steven: steve;
vladimir: volodymyr, volodya, wladimir, uladzimir;
dmitry: dima;
mikhail: misha;
yevgeny: zhenya;
jose: pepe;
francisco: paco;
""")

#: Surnames whose letter-by-letter form is not the one in use (Hangul and Han as anyascii gives them -> custom).
SCRIPT_WORDS: Final = _table("""
kim: gim;
park: bag;
lee: i;
choi: choe;
chung: jeong;
kang: gang;
""")
