r"""SWIFT's field format notation, compiled into matchers that deliver the components.

Rule: a format is written once, as the user handbook writes it, and everything else is made from it. Understood here:
``16x`` (up to 16 of set x), ``4!c`` (exactly 4), ``4*35x`` (up to 4 lines of 35), ``15d`` (amount with a comma),
``[...]`` optional, ``$`` line break, ``|`` between alternatives, other characters literal, and shorthands for parts
that recur: ``<BIC>``, ``<PARTY>`` (``[/1!a][/34x]``), ``<DC>``, ``<N>`` (the sign of a rate), ``<MARK>`` (of field 61),
``<SIGN>``, ``<REF>`` (16x without ``//``), ``<TEXT>`` (9000z with line breaks).
Source: SWIFT User Handbook, Standards MT General Information.
"""

from __future__ import annotations

import re

#: Character sets of the notation, as the inside of a regular expression's brackets.
SETS = {
    "n": "0-9",
    "a": "A-Z",
    "c": "A-Z0-9",
    "h": "A-F0-9",
    "x": r"A-Za-z0-9/\-?:().,'+ ",
    "z": r"A-Za-z0-9/\-?:().,'+ =!\"%&*<>;{@#_",
}
_X = f"[{SETS['x']}]"
#: A line of a value may begin with anything but these two, which would end the field or the text.
_LINE_START = r"(?![:\-])"

#: Shorthand -> (pattern with as many groups as it has components, pattern that also takes wrong content).
_SHORTHANDS = {
    "BIC": (r"([A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)", r"(\S*)"),
    "PARTY": (
        rf"(?=/)(?:/([CD])(?=[/\n]|\Z))?(?:/({_X}{{1,34}}))?",
        r"(?=/)(?:/([CD])(?=[/\n]|\Z))?(?:/(.*))?",
    ),
    "DC": ("([CD])", "(.)"),
    "N": ("(N)", "(N)"),
    "MARK": ("(R?[CD]|E[CD])", "([A-Z]{1,2})"),
    "SIGN": (r"([+\-])", "(.?)"),
    # A reference without any slash is the rule, and is told apart from one with slashes at once.
    "REF": (rf"([{SETS['x'].replace('/', '')}]{{1,16}}+(?=//|\n|\Z)|(?:(?!//){_X}){{1,16}}+)", r"((?:(?!//).)*)"),
    "TEXT": (rf"((?:[{SETS['z']}]|\n){{1,9000}})", r"((?:.|\n)*)"),
}

_TOKEN = re.compile(
    r"(?P<lines>\d+)\*(?P<width>\d+)(?P<lineset>[xz])|(?P<size>\d+)(?P<fixed>!?)(?P<set>[nacxzhd])"
    r"|<(?P<short>[A-Z]+)>|(?P<mark>[\[\]$|])|(?P<literal>.)"
)


def pattern_of(notation: str, *, loose: bool = False, before_lines: str = "") -> str:
    """Regular expression of a notation, one group a component in order.

    ``loose`` relaxes lengths, amounts and identifiers but keeps the structure: what it captures of a value that the
    strict pattern refuses tells which component is wrong. ``before_lines`` is put before ``4*35x``.
    """
    pattern = []
    for token in _TOKEN.finditer(notation):
        if token["lines"]:
            pattern.append(before_lines)
        pattern.append(_token_pattern(token, loose, _ENDS_LINE.match(notation, token.end()) is not None))
    return "".join(pattern)


#: What follows a component that ends its line: no character of a set can be given back to it.
_ENDS_LINE = re.compile(r"\]?(?:\$|\]|\Z)(?!/)")


def _token_pattern(token: re.Match[str], loose: bool, ends_line: bool) -> str:
    if token["short"]:
        return _SHORTHANDS[token["short"]][loose]
    if token["mark"]:
        return {"[": "(?:", "]": ")?" if loose else ")?+", "$": r"\n", "|": "|"}[token["mark"]]
    if token["literal"]:
        return re.escape(token["literal"])
    whole = "" if loose else "+"  # possessive: a line is not tried shorter
    if token["lines"]:
        line = ".*" if loose else f"{_LINE_START}[{SETS[token['lineset']]}]{{1,{token['width']}}}+"
        first = ".*" if loose else line.removeprefix(_LINE_START)
        more = "*" if loose else f"{{0,{int(token['lines']) - 1}}}"
        return rf"({first}(?:\n{line}){more}{whole})"
    size, kind = token["size"], token["set"]
    if kind == "d" and ends_line:
        return r"([0-9,.]*)" if loose else rf"((?=.{{2,{size}}}\Z)[0-9]++,[0-9]*+)"
    if kind == "d":
        return r"([0-9,.]*)" if loose else rf"(?=[0-9,]{{2,{size}}}(?![0-9,]))([0-9]++,[0-9]*+)"
    if loose and kind == "x":
        return "(.*)"
    return f"([{SETS[kind]}]{{{size if token['fixed'] else '1,' + size}}}{whole if ends_line else ''})"
