"""Words for generated corpora: filler that means nothing, and the secret lexicon that gives rows their labels.

The labels of rows can be inferred from their text only by whoever holds the lexicon, and only the rule-based sub-model
does. So a root that answers without asking it can but guess, as with natural text that no regular expression sorts.
"""

import random
from dataclasses import dataclass
from functools import cache

LABELS = ("complaint", "praise", "request", "report", "rumour", "promise")
WORDS_PER_LABEL = 60
SENTENCE = (
    "the harbour clerk noted again that after lunch a quiet wagon stood near the old gate while rain fell on copper "
    "roofs and nobody in the long corridor asked why seven lamps were still burning under the stairs of the north "
    "tower before the bell had rung twice for the evening watch over fields beyond the river bend"
)
FILLER = SENTENCE.split()
_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gl",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_CODAS = ("", "l", "m", "n", "r", "sk", "x", "nd")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Which invented word means which label."""

    label_of: dict[str, str]

    def words(self, label: str) -> list[str]:
        return [word for word, meaning in self.label_of.items() if meaning == label]

    def read(self, text: str) -> str | None:
        """The label of a text, or None when no word of it is known."""
        return next((self.label_of[word] for word in text.replace(",", " ").split() if word in self.label_of), None)


@cache
def lexicon(seed: int) -> Lexicon:
    """The same words for the same seed."""
    chance = random.Random(f"lexicon {seed}")
    made: dict[str, str] = {}
    while len(made) < WORDS_PER_LABEL * len(LABELS):
        word = invented(chance, 3)
        if word not in FILLER:
            made.setdefault(word, LABELS[len(made) % len(LABELS)])
    return Lexicon(made)


def invented(chance: random.Random, syllables: int = 2) -> str:
    """A word that no language has."""
    parts = ((chance.choice(_ONSETS), chance.choice(_VOWELS), chance.choice(_CODAS)) for _ in range(syllables))
    return "".join(map("".join, parts))


def filler(chance: random.Random, count: int) -> str:
    """So many words that say nothing."""
    return " ".join(chance.choices(FILLER, k=count))
