"""Country names as lists of sanctions write them -> ISO 3166-1 alpha-2.

Rule: a table; a name that is not in it has no code here (the importer says so), nothing is guessed. Names are in the
form that ``normalise.latin`` gives. Source: ISO 3166-1 short names in English, with the everyday and the former ones.
"""

from __future__ import annotations

from typing import Final

from engine.compliance.normalise import latin

_NAMES: Final = """
AD: andorra
AE: united arab emirates
AF: afghanistan
AG: antigua and barbuda
AI: anguilla
AL: albania
AM: armenia
AO: angola
AQ: antarctica
AR: argentina
AS: american samoa
AT: austria
AU: australia
AW: aruba
AX: aland islands
AZ: azerbaijan
BA: bosnia and herzegovina
BB: barbados
BD: bangladesh
BE: belgium
BF: burkina faso
BG: bulgaria
BH: bahrain
BI: burundi
BJ: benin
BL: saint barthelemy
BM: bermuda
BN: brunei darussalam; brunei
BO: bolivia
BQ: bonaire
BR: brazil
BS: bahamas; the bahamas; bahamas the
BT: bhutan
BV: bouvet island
BW: botswana
BY: belarus
BZ: belize
CA: canada
CC: cocos keeling islands
CD: congo the democratic republic of the; congo democratic republic of the; democratic republic of the congo
CF: central african republic
CG: congo; congo republic of the; republic of the congo
CH: switzerland
CI: cote divoire; cote d ivoire
CK: cook islands
CL: chile
CM: cameroon
CN: china
CO: colombia
CR: costa rica
CU: cuba
CV: cabo verde; cape verde
CW: curacao
CX: christmas island
CY: cyprus
CZ: czechia; czech republic
DE: germany
DJ: djibouti
DK: denmark
DM: dominica
DO: dominican republic
DZ: algeria
EC: ecuador
EE: estonia
EG: egypt
EH: western sahara
ER: eritrea
ES: spain
ET: ethiopia
FI: finland
FJ: fiji
FK: falkland islands malvinas
FM: micronesia
FO: faroe islands
FR: france
GA: gabon
GB: united kingdom; united kingdom of great britain and northern ireland
GD: grenada
GE: georgia
GF: french guiana
GG: guernsey
GH: ghana
GI: gibraltar
GL: greenland
GM: gambia; the gambia; gambia the
GN: guinea
GP: guadeloupe
GQ: equatorial guinea
GR: greece
GS: south georgia and the south sandwich islands
GT: guatemala
GU: guam
GW: guinea bissau
GY: guyana
HK: hong kong; hong kong sar china
HM: heard island and mcdonald islands
HN: honduras
HR: croatia
HT: haiti
HU: hungary
ID: indonesia
IE: ireland
IL: israel
IM: isle of man
IN: india
IO: british indian ocean territory
IQ: iraq
IR: iran
IS: iceland
IT: italy
JE: jersey
JM: jamaica
JO: jordan
JP: japan
KE: kenya
KG: kyrgyzstan
KH: cambodia
KI: kiribati
KM: comoros
KN: saint kitts and nevis
KP: korea democratic peoples republic of; north korea; korea north; dprk; democratic peoples republic of korea
KR: korea republic of; south korea; korea south; republic of korea
KW: kuwait
KY: cayman islands
KZ: kazakhstan
LA: lao peoples democratic republic; laos
LB: lebanon
LC: saint lucia
LI: liechtenstein
LK: sri lanka
LR: liberia
LS: lesotho
LT: lithuania
LU: luxembourg
LV: latvia
LY: libya
MA: morocco
MC: monaco
MD: moldova
ME: montenegro
MF: saint martin french part
MG: madagascar
MH: marshall islands
MK: north macedonia; macedonia; former yugoslav republic of macedonia
ML: mali
MM: myanmar; burma
MN: mongolia
MO: macao; macau
MP: northern mariana islands
MQ: martinique
MR: mauritania
MS: montserrat
MT: malta
MU: mauritius
MV: maldives
MW: malawi
MX: mexico
MY: malaysia
MZ: mozambique
NA: namibia
NC: new caledonia
NE: niger
NF: norfolk island
NG: nigeria
NI: nicaragua
NL: netherlands
NO: norway
NP: nepal
NR: nauru
NU: niue
NZ: new zealand
OM: oman
PA: panama
PE: peru
PF: french polynesia
PG: papua new guinea
PH: philippines
PK: pakistan
PL: poland
PM: saint pierre and miquelon
PN: pitcairn
PR: puerto rico
PS: palestine state of; palestinian; palestine; west bank; gaza; region gaza; occupied palestinian territory
PT: portugal
PW: palau
PY: paraguay
QA: qatar
RE: reunion
RO: romania
RS: serbia
RU: russian federation; russia
RW: rwanda
SA: saudi arabia
SB: solomon islands
SC: seychelles
SD: sudan
SE: sweden
SG: singapore
SH: saint helena
SI: slovenia
SJ: svalbard and jan mayen
SK: slovakia
SL: sierra leone
SM: san marino
SN: senegal
SO: somalia
SR: suriname
SS: south sudan
ST: sao tome and principe
SV: el salvador
SX: sint maarten dutch part
SY: syrian arab republic; syria
SZ: eswatini; swaziland
TC: turks and caicos islands
TD: chad
TF: french southern territories
TG: togo
TH: thailand
TJ: tajikistan
TK: tokelau
TL: timor leste; east timor
TM: turkmenistan
TN: tunisia
TO: tonga
TR: turkiye; turkey
TT: trinidad and tobago
TV: tuvalu
TW: taiwan
TZ: tanzania
UA: ukraine
UG: uganda
UM: united states minor outlying islands
US: united states; usa; united states of america
UY: uruguay
UZ: uzbekistan
VA: holy see vatican city state; vatican
VC: saint vincent and the grenadines
VE: venezuela
VG: virgin islands british; british virgin islands
VI: virgin islands u s
VN: viet nam; vietnam
VU: vanuatu
WF: wallis and futuna
WS: samoa
XK: kosovo
YE: yemen
YT: mayotte
ZA: south africa
ZM: zambia
ZW: zimbabwe
"""


def _by_name() -> dict[str, str]:
    table = {}
    for line in _NAMES.strip().splitlines():
        code, _, names = line.partition(": ")
        for name in names.split("; "):
            table[name] = code
    return table


#: Name -> code.
COUNTRY_CODES: Final = _by_name()
_CODES: Final = frozenset(COUNTRY_CODES.values())


def country_code(text: str) -> str | None:
    """The alpha-2 code of a country given by name or by code; None when it is not known.

    >>> country_code("Korea, North"), country_code("fr"), country_code("Utopia")
    ('KP', 'FR', None)
    """
    upper = text.strip().upper()
    if upper in _CODES:
        return upper
    return COUNTRY_CODES.get(latin(text))
