"""Words that differ by an ending or a beginning which means something: no typing error.

"sulfate" and "sulfite", "hypotension" and "hypertension", "Wild Horse" and "Wild Horses"; also of
German ("Chlorid", "Chlorit"; "Anleitung", "Ableitung"), Spanish, Italian and Dutch.
"""

from __future__ import annotations

from itertools import permutations

from rapidfuzz.distance import Postfix, Prefix

_SHORTEST_STEM = 3

_BEGINNINGS = tuple(
    frozenset(line.split())
    for line in """
        hypo hyper
        intra inter intro
        pre pro per post
        anti ante
        macro micro
        mono di tri tetra penta hexa hepta octa bi uni
        homo hetero
        in ex im em en un an non
        ab ad ob
        af ef
        im em e
        endo ecto exo ento epi
        sub super sur
        ortho para meta
        meth eth prop but pent hex hept oct
        de re dis
        cis trans
        over under
        mal bene
        thio theo
        iso eso
        hiper hipo
        iper ipo
        an ab auf aus ein um ver vor ent er zer be
        """.split("\n")
    if line.strip()
)
_ENDINGS = tuple(
    frozenset(line.split())
    for line in """
        ose ase
        ite ate ide
        ane ene yne
        ol al one an
        ane one
        yl yne
        ous ius eous
        ic id is
        ium ion ian
        itis osis
        osis asis
        emia uria
        ist ism
        ing ed er or
        ent ant
        ance ence
        um us un
        a e i o u
        y ie i
        s es
        at it id
        aat iet ide
        ato ito uro ido
        an en in
        ano eno ino
        ton town
        os ou
        osis oses
        """.split("\n")
    if line.strip()
)
# What a meaning hangs on where one word has it and the other has not.
_ADDED_BEGINNINGS = frozenset(("a", "e", "un", "in", "im", "de", "re", "bi", "di", "co", "en"))
_ADDED_ENDINGS = frozenset(("s", "es"))


_LONGEST = max(len(one) for group in (*_BEGINNINGS, *_ENDINGS) for one in group)


def _pairs(groups: tuple[frozenset[str], ...]) -> frozenset[tuple[str, str]]:
    return frozenset(pair for group in groups for pair in permutations(group, 2))


_OPPOSED_BEGINNINGS = _pairs(_BEGINNINGS) | _pairs(
    tuple(frozenset(("", one)) for one in _ADDED_BEGINNINGS)
)
_OPPOSED_ENDINGS = _pairs(_ENDINGS) | _pairs(tuple(frozenset(("", one)) for one in _ADDED_ENDINGS))


def are_opposed(a: str, b: str) -> bool:
    """Return whether two folded words have one stem, and different beginnings or endings of it.

    >>> are_opposed("sulfate", "sulfite"), are_opposed("sulfate", "sulfaet")
    (True, False)
    """
    n_a, n_b = len(a), len(b)
    shortest = max(_SHORTEST_STEM, max(n_a, n_b) - _LONGEST) - 1
    n_same = Prefix.similarity(a, b)
    for stem in range(n_same, shortest, -1):
        if (a[stem:], b[stem:]) in _OPPOSED_ENDINGS:
            return True
    if n_same >= _LONGEST:  # they begin alike
        return False
    for stem in range(Postfix.similarity(a, b), shortest, -1):
        if (a[: n_a - stem], b[: n_b - stem]) in _OPPOSED_BEGINNINGS:
            return True
    return False
