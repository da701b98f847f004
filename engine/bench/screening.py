"""``qenex bench screening``: names a second against lists of 10,000 and of 1,000,000 listed names.

Rule: customers' names, nearly all different, so that no verdict is remembered; the screener's own threshold and
reasons. The peer compares a name with every listed one by rapidfuzz, which is what an index is there to avoid. The
index is built before the clock starts, and how long that took is said. Lists of a million names are made of the same
words as those of ten thousand: each word is on a hundred times as many names, which is the hard case.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rapidfuzz import fuzz, process

from engine.bench.banks import Customers
from engine.bench.figures import Figure, Say, Terms, against, calibration, rounded
from engine.compliance.normalise import normalise
from engine.compliance.screening import Screener
from engine.compliance.synthetic import bench_list, bench_names
from engine.errors import UsageFault

BENCH: Final = "screening"
#: Case -> listed names, and whether the names asked for are made of the list's own words.
CASES: Final[dict[str, tuple[int, bool]]] = {
    "name-10000": (10_000, False),
    "name-10000-same-words": (10_000, True),
    "name-1000000": (1_000_000, False),
}
_SECONDS: Final = 5.0
_NAMES: Final = 50_000
_SEED: Final = 3
_PEER_SECONDS: Final = 2.0
_LIST_SEED: Final = 1


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """The cases in turn; one list serves those of its size."""
    if terms.case is not None and terms.case not in CASES:
        raise UsageFault(f"--case {terms.case}: the screening's cases are {', '.join(CASES)}")
    yield calibration(BENCH)
    for size in sorted({size for size, _ in CASES.values()}):
        wanted = [name for name, (listed, _) in CASES.items() if listed == size and terms.wants(name)]
        if not wanted:
            continue
        say(f"{size:,} listed names: making the list and its index")
        watchlist = bench_list(size, _LIST_SEED)
        began = time.perf_counter()
        screener = Screener(watchlist)
        built = time.perf_counter() - began
        listed = [" ".join(normalise(name.text).tokens) for entry in watchlist.entries for name in entry.names]
        for name in wanted:
            say(f"{name}: screening")
            yield _case(name, screener, listed, built, terms)


def _names(same_words: bool, count: int) -> list[str]:
    if same_words:
        return bench_names(count, _SEED)
    customers = Customers(random.Random(_SEED))
    return [customers.name() for _ in range(count)]


def _case(case: str, screener: Screener, listed: Sequence[str], built: float, terms: Terms) -> Figure:
    names = _names(CASES[case][1], terms.count or _NAMES)
    seconds = terms.seconds or _SECONDS
    hits, done, spent = _screen(screener.screen_name, names, seconds)
    about = "made of the list's own words" if CASES[case][1] else "customers' names, 2 % of them of the list's words"
    figure = Figure(
        bench=BENCH,
        case=case,
        value=rounded(done / spent),
        unit="names/s",
        better="higher",
        conditions=f"one core; {len(listed):,} listed names, index built in {built:.1f} s; {done:,} names, {about};"
        f" {spent / done * 1e6:.1f} us a name, {hits * 100 / done:.2f} % with a hit; process of"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB",
    )
    asked = [" ".join(normalise(name).tokens) for name in names[:2_000]]

    def compare(name: str) -> object:
        return process.extract(name, listed, scorer=fuzz.token_sort_ratio, score_cutoff=80, limit=20)

    _, compared, taken = _screen(compare, asked, _PEER_SECONDS)
    return against(figure, "rapidfuzz, token_sort_ratio over every listed name", compared / taken)


def _screen(screen: Callable[[str], object], names: Sequence[str], seconds: float) -> tuple[int, int, float]:
    """Names with a hit, names asked, seconds."""
    hits, done, began = 0, 0, time.perf_counter()
    for name in names:
        hits += bool(screen(name))
        done += 1
        if done % 16 == 0 and time.perf_counter() - began >= seconds:
            break
    return hits, done, time.perf_counter() - began
