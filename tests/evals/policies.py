"""What a good root model would write, as programs: from the messages it is sent to its next reply.

A policy keeps no state and sees nothing but the request: it finds its question in the first message and what its last
cell printed in the last one, as a model does, and its cells use REPL names only. So turns, tokens and calls are those
of a root that makes no mistakes; what remains is the engine's own price.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.evals import words

JSON = Any
MOST_LINES_CITED = 24
"""Above that, whole documents are cited: the rows were all read, and that is what the answer says."""

LOOK_AGAIN = "Before this answer is accepted, look once more"
LISTED = re.compile(r"^(?P<place>\S+:\d+)\| (?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Talk:
    """A request to the root, taken apart."""

    question: str
    turn: int
    """How many replies were given before."""
    output: str
    """The last message: what the last cell printed, or the engine said."""
    reply: str
    """The last reply of its own."""

    @property
    def names(self) -> list[str]:
        """What the question quotes."""
        return re.findall(r'"([^"]+)"', self.question)

    def listed(self) -> list[tuple[str, str]]:
        """The lines printed in listings, as (path:line, text)."""
        return [(match["place"], match["text"]) for match in LISTED.finditer(self.output)]


Policy = Callable[[Talk], str]


def talk(messages: Sequence[dict[str, JSON]]) -> Talk:
    """The request as a policy sees it. The question is marked, since the first message also holds search hits."""
    first = next(message["content"] for message in messages if message["role"] == "user")
    found = re.search(r"\{\{(.*?)\}\}", first, re.DOTALL)
    replies = [message["content"] for message in messages if message["role"] == "assistant"]
    return Talk(found[1] if found else "", len(replies), messages[-1]["content"], replies[-1] if replies else "")


def reply(policy: "Policy", said: Talk) -> str:
    """What the policy says. Asked to look once more at what only code has read, it stands by its answer."""
    return said.reply if said.output.startswith(LOOK_AGAIN) else policy(said)


def marked(question: str) -> str:
    """The question with marks by which policies find it."""
    return "{{" + question + "}}"


def cell(code: str) -> str:
    return f"```repl\n{code.strip()}\n```"


def final(answer: str, places: Sequence[str]) -> str:
    """A final answer in the form that the harness reads."""
    cited = " ".join(f"[{place}]" for place in dict.fromkeys(places))
    return f"FINAL(ANSWER: {answer}\nEvidence: {cited})"


# Lookups.


def needle(said: Talk) -> str:
    [name] = said.names
    if said.turn == 0:
        return cell(f'hits = corpus.grep("vault code of {name}", literal=True)\nprint(hits)')
    return final(*_codes(said, [name]))


def multi_key(said: Talk) -> str:
    if said.turn == 0:
        pattern = "|".join(said.names)
        return cell(f'hits = corpus.grep(r"vault code of ({pattern})\\b")\nprint(hits)')
    return final(*_codes(said, said.names))


def _codes(said: Talk, names: list[str]) -> tuple[str, list[str]]:
    """The codes of these names in the printed lines, and where they stand."""
    found = {}
    for place, text in said.listed():
        if match := re.search(r"The vault code of (\w+) is (\d+)\.", text):
            found[match[1]] = (match[2], place)
    return " ".join(found[name][0] for name in names), [found[name][1] for name in names]


# Chains.

FOLLOW_LETS = """
name, hops = "{name}", []
while not name.isdigit():
    hit = corpus.grep(rf"^let {{name}} = ")[0]
    hops.append(hit)
    name = hit.text.split()[3]
for hop in hops:
    print(hop.listing())
"""

FOLLOW_NAMES = r"""
seen, wave = set(), ["{name}"]
for hop in range(4):
    found = [hit for name in wave for hit in corpus.grep(name, literal=True, word=True)]
    new = [hit for hit in found if hit.ref not in seen]
    for hit in new:
        print(hit.listing())
    seen |= {{hit.ref for hit in new}}
    wave = sorted({{word for hit in new for word in re.findall(r"\b[BD]-\d+\b|\b[A-Z][a-z]+(?= lives|\.$)", hit.text)}})
"""


def chain(said: Talk) -> str:
    [name] = said.names
    if said.turn == 0:
        return cell(f'print(corpus.grep(r"^let {name}\\b"))')
    if said.turn == 1:
        return cell(FOLLOW_LETS.format(name=name))
    hops = said.listed()
    return final(hops[-1][1].split()[3], [place for place, _ in hops])


def multi_hop(said: Talk) -> str:
    """Badge, door, keeper, town: the first cell shows how the lines are worded, the second follows their names."""
    [person] = said.names
    if said.turn == 0:
        return cell(f'print(corpus.grep("{person}", literal=True))')
    if said.turn == 1:
        return cell(FOLLOW_NAMES.format(name=person))
    lines = said.listed()
    places, current = [], person
    for form in (
        r"{} carries badge ([\w-]+)",
        r"Badge {} opens only door ([\w-]+)",
        r"Door {} is kept by (\w+)",
        LIVES,
    ):
        place, current = next(
            (place, match[1]) for place, text in lines if (match := re.match(form.format(current), text))
        )
        places.append(place)
    return final(current, places)


LIVES = r"{} lives in (\w+)"


# Questions over rows: meaning by sub-models, counting by code.

LOOK = """
parts = corpus.docs.match("*.csv")
print(len(parts), "files of rows")
print(parts[0].read(1, 4))
"""

READ_ROWS = """
rows = [row for part in corpus.docs.match("*.csv") for row in part.rows() if {condition}]
{labels}
failed = sum(not isinstance(label, str) for label in labels)
print(len(rows), "rows read,", failed, "failed")
"""

ONE_READING = "labels = llm_classify({told!r}, rows, {kinds!r})"

THREE_READINGS = """
readings = [llm_classify(f"{told} (reading {{n}})", rows, {kinds!r}) for n in (1, 2, 3)]
votes = [Counter(label for label in each if isinstance(label, str)) for each in zip(*readings)]
labels = [vote.most_common(1)[0][0] if vote else None for vote in votes]
"""

TOLD = "Which kind of entry is this?"

EVIDENCE = """
if len(found) <= {most}:
    cited = [row.span for row in found]
else:
    cited = [part.read(2) for part in corpus.docs.match("*.csv")]
print("ANSWER:", result)
print("CITED:", " ".join(span.ref for span in cited))
"""

COUNTS = {
    "count": 'found = [r for r, l in zip(rows, labels) if l == "{label}"]\nresult = len(found)',
    "most_common": (
        "found = rows\ntop = Counter(l for l in labels if isinstance(l, str)).most_common(2)\n"
        "print(top)\nresult = top[0][0]"
    ),
    "timeline": (
        'found = [r for r, l in zip(rows, labels) if l == "{label}"]\n'
        'top = Counter(r["date"][:7] for r in found).most_common(2)\nprint(top)\nresult = top[0][0]'
    ),
    "pairs": (
        'counts = Counter(r["user"] for r, l in zip(rows, labels) if l == "{label}")\n'
        "able = sorted(user for user, count in counts.items() if count >= {least})\n"
        'found = [r for r, l in zip(rows, labels) if l == "{label}" and r["user"] in able]\n'
        'result = " ".join(f"{{a}}+{{b}}" for a, b in pairs(able))'
    ),
}


def over_rows(kind: str, readings: str) -> Policy:
    """The policy of a kind over rows, with one reading of each row or three and a vote."""

    def policy(said: Talk) -> str:
        if said.turn == 0:
            return cell(LOOK)
        if said.turn == 1:
            return cell("\n".join([_reading(said, kind, readings), *_counting(said, kind)]))
        answer, cited = (re.search(rf"^{name}: (.*)$", said.output, re.MULTILINE) for name in ("ANSWER", "CITED"))
        return final(answer[1] if answer else "unknown", cited[1].split() if cited else [])

    return policy


def _reading(said: Talk, kind: str, readings: str) -> str:
    user = said.names[0] if kind in ("count", "most_common") else ""
    labels = readings.format(told=TOLD, kinds=list(words.LABELS)).strip()
    return READ_ROWS.format(condition=f'row["user"] == "{user}"' if user else "True", labels=labels)


def _counting(said: Talk, kind: str) -> list[str]:
    least = re.search(r"at least (\d+)", said.question)
    told = {"label": said.names[-1], "least": least[1] if least else ""}
    return [COUNTS[kind].format(**told), EVIDENCE.format(most=MOST_LINES_CITED)]


POLICIES: dict[str, Policy] = {
    "needle": needle,
    "multi_key": multi_key,
    "chain": chain,
    "multi_hop": multi_hop,
    **{kind: over_rows(kind, ONE_READING) for kind in COUNTS},
    **{f"{kind}-vote": over_rows(kind, THREE_READINGS) for kind in COUNTS},
}
