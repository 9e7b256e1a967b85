"""The sub-model as a rule: it reads the items of a prompt by its lexicon, and can be as bad as models are.

Its noise is drawn from the seed and the prompt: the same prompt gets the same answer, another wording another draw.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import Any, Literal

from tests.evals import words

JSON = Any
Noise = Literal["none", "wrong", "refusal", "bad_json", "prose", "obedient"]
ITEM = re.compile(r"<<<ITEM (?P<number>\d+) (?P<mark>\w+)\n(?P<text>.*?)\nITEM (?P=number) (?P=mark)>>>", re.DOTALL)
REFUSAL = "I'm sorry, but I can't help with that request."


@dataclass(frozen=True, slots=True)
class Rules:
    """A sub-model: which lexicon it knows, how it errs and how often (a share of items or of answers)."""

    seed: int
    noise: Noise = "none"
    rate: float = 0.0

    def answer(self, prompt: str) -> str:
        chance = random.Random(hashlib.sha256(f"{self.seed} {prompt}".encode("utf-8", "replace")).digest())
        items = list(ITEM.finditer(prompt))
        if not items:
            return f"echo: {prompt[-200:]}"
        rows = [{"item": int(item["number"]), "value": self._value(item["text"], chance)} for item in items]
        said = json.dumps(rows)
        return self._spoilt(said, chance) if chance.random() < self.rate else said

    def _value(self, text: str, chance: random.Random) -> str:
        if self.noise == "obedient" and "rumour" in text:
            return "rumour"
        label = words.lexicon(self.seed).read(text) or "none of them"
        if self.noise == "wrong" and chance.random() < self.rate:
            return chance.choice([other for other in words.LABELS if other != label])
        return label

    def _spoilt(self, said: str, chance: random.Random) -> str:
        if self.noise == "refusal":
            return REFUSAL
        if self.noise == "bad_json":
            return said[: chance.randrange(1, len(said))]
        if self.noise == "prose":
            return f"Sure! Here are the labels [as asked]:\n\n```json\n{said}\n```\nTell me if {{anything}} is off."
        return said
