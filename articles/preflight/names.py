"""Names of conditions and words of the field: near misses, and names that vary."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Reading

MISSPELT = Cause("A word is misspelt: {words}.", "Correct it: search would not find it.")
VARIES = Cause("One condition has several names here: {words}.", "Use one of them throughout.")

# The words whose near misses are looked for.
RIGHT = frozenset(
    """
    antibodies autoimmune autonomic carnitine chronic cognitive cortisol diagnosis diagnostic
    duloxetine dysautonomia dysfunction encephalomyelitis exertional fatigue fibromyalgia
    gabapentin hypothyroidism immunoglobulin inflammation inflammatory insomnia malaise
    metabolism milnacipran mitochondria mitochondrial myalgic naltrexone neuropathy nociplastic
    norepinephrine orthostatic parasympathetic patients placebo postural pregabalin prevalence
    research researcher researchers rheumatoid rheumatologist rheumatology sensitisation
    sensitization serotonin sympathetic symptoms syndrome tachycardia treatment
    """.split()  # noqa: SIM905  # a list to be read and added to
)
# Right words that look like near misses of the above: relatives, and names in other languages.
ALSO_RIGHT = frozenset(
    """
    antibody autoimmunity autonomous autonomy bradycardia chronically chronicle cognition
    cognitively cortisone desensitisation desensitization diagnose diagnosed diagnoses
    diagnosing diagnostician diagnostics dysautonomic dysfunctional encephalitis encephalopathy
    epinephrine exertion fatigued fatigues fibromialgia fibromyalgic fibromyalgie fluoxetine
    gabapentinoid hyperthyroidism inpatient insomniac melatonin metabolic metabolise metabolism
    metabolite metabolize mitochondrion myalgia nephropathy neuropathic neuropathies nociception
    nociceptive noradrenaline orthotic outpatient patent patience patient patiently postal
    posture prevalent researched researches researching retreatment rheumatic rheumatism
    rheumatologic rheumatological rheumatologies searcher sympathetically sympathetics symptom
    symptomatic syndromic treatable treatment
    """.split()  # noqa: SIM905
)
# Of words with so many letters, two may be wrong.
MANY_LETTERS = 10

_WORD = re.compile(r"[^\W\d_]{7,}")
_NAMES = re.compile(r"\b(?:ME\s?/\s?CFS|CFS\s?/\s?ME|MECFS|ME-CFS|CFS-ME)\b")


def spelling(reading: Reading) -> Iterator[Trouble]:
    """Near misses of the right words."""
    for passage in reading.passages:
        for word in _WORD.findall(passage.text):
            if right := meant(word.lower()):
                yield Trouble(MISSPELT, passage.place, f"{word} ({right})")


def variants(reading: Reading) -> Iterator[Trouble]:
    """More than one way to write the name of one condition, where the rarer ways stand first."""
    counts: Counter[str] = Counter()
    first: dict[str, Place] = {}
    for passage in reading.passages:
        for found in _NAMES.findall(passage.text):
            name = re.sub(r"\s", "", found)
            counts[name] += 1
            first.setdefault(name, passage.place)
    if len(counts) > 1:
        rarest = counts.most_common()[-1][0]
        yield from (Trouble(VARIES, first[rarest], name) for name in counts)


@lru_cache(maxsize=20_000)
def meant(word: str) -> str:
    """The right word that a lower-case word is a near miss of; "" if it is none."""
    if {word, word.removesuffix("s")} & (RIGHT | ALSO_RIGHT):
        return ""
    letters = _letters(word)
    near = [
        (wrong, right)
        for mask, right, slips in _BY_LENGTH.get(len(word), ())
        # A slip changes at most two letters of the set.
        if (mask ^ letters).bit_count() <= 2 * slips and (wrong := distance(word, right)) <= slips
    ]
    return min(near)[1] if near else ""


def _letters(word: str) -> int:
    """The set of its letters, a bit for each."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def _by_length() -> dict[int, list[tuple[int, str, int]]]:
    """For each length of a word: the right words it may be a slip of, with what is allowed."""
    found: dict[int, list[tuple[int, str, int]]] = {}
    for right in RIGHT:
        slips = 2 if len(right) >= MANY_LETTERS else 1
        for length in range(len(right) - slips, len(right) + slips + 1):
            found.setdefault(length, []).append((_letters(right), right, slips))
    return found


_BY_LENGTH = _by_length()


def distance(one: str, other: str) -> int:
    """How many letters must be put in, taken out, changed, or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
