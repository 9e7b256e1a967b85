"""Root models that spend without end: policies for the budget table. None of them ever gives an answer unasked."""

from collections.abc import Callable

from tests.evals.policies import Policy, Talk, cell

LAST = "This run must end now"
"""How the engine's last request begins: even a bomb answers that."""
LAST_WORDS = "FINAL(ANSWER: none, the limit came first)"
LOOK = "print(corpus.docs[0].read(1, 2))"
TOLD = "\nprint(sum(x.ok for x in a), a[-1])"


def bomb(code: Callable[[Talk], str]) -> Policy:
    """Looks once, then runs its code each turn, until it is told to end."""

    def policy(said: Talk) -> str:
        if LAST in said.output:
            return LAST_WORDS
        return cell(LOOK if said.turn == 0 else code(said))

    return policy


def fan_out(said: Talk) -> str:
    """A thousand sub-calls a turn."""
    return f"a = llm_query_batched(['turn {said.turn} item %d' % n for n in range(1_000)])" + TOLD


def nested(said: Talk) -> str:
    """Sixteen children a turn, each of which does the same."""
    return f"a = rlm_query_batched(['turn {said.turn} child %d' % n for n in range(16)])" + TOLD


def endless(_: Talk) -> str:
    return "n = 0\nwhile True:\n    n += 1"


def stubborn(_: Talk) -> str:
    """An endless loop that catches its interrupt."""
    return "while True:\n    try:\n        while True: pass\n    except BaseException: pass"


def fat(said: Talk) -> str:
    """One prompt of 10 MB and eight of 3 MB a turn."""
    return (
        f"a = llm_query_batched(['x' * 10_000_000] + ['{said.turn} %d' % n + ' yes' * 750_000 for n in range(8)])\n"
        "print([x.ok for x in a])\nprint(a[0])\nprint(str(a[-1])[:200])"
    )


def sleeping(_: Talk) -> str:
    return "import time\ntime.sleep(10_000)"


def printing(_: Talk) -> str:
    """50 MB of output a turn."""
    return "for n in range(50):\n    print('z' * 1_000_000)"


def talking(said: Talk) -> str:
    """One more look, for ever."""
    return f"print(corpus.docs[0].read({said.turn}, {said.turn + 1}))"


def silent(said: Talk) -> str:
    """Never any code."""
    return LAST_WORDS if LAST in said.output else "Let me think about this some more."


POLICIES: dict[str, Policy] = {
    **{f.__name__: bomb(f) for f in (fan_out, nested, endless, stubborn, fat, sleeping, printing, talking)},
    "silent": silent,
}
