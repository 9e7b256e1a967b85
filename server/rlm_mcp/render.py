"""Results as compact text for an agent: never more than 8 KB, whatever a model wrote."""

from typing import Any

from rlm_mcp import freshness

JSON = Any

HARD_CAP = 8_000
"""Bytes of UTF-8 in any text we return: below the smallest cut that a client makes (facts: Codex, about 10 KB)."""
ANSWER_CAP = {"concise": 2_300, "full": 6_000}
CITATIONS_SHOWN = {"concise": 8, "full": 30}
OFFLINE_NAME = "offline"
STAMPS = {
    "daytona": "Note: the corpus text left this machine, for a Daytona sandbox.",
    "unsafe-no-isolation": "WARNING: model-written code ran on this machine WITHOUT ISOLATION.",
}
"""What every answer says that was found with such a provider."""


def answer(result: dict[str, JSON], detail: str = "concise") -> str:
    """An answer, its checked citations, what was rejected, and one line of what it cost."""
    parts = [cut(result["answer"].strip() or "(no answer)", ANSWER_CAP[detail], _more(result))]
    if result["status"] != "complete":
        parts.insert(0, f"{result['status'].upper()}: {result['reason']}")
    notes = (_citations(result, detail), _rejected(result), result.get("stale", ""), _stamp(result), _footer(result))
    parts += [text for text in notes if text]
    return cut("\n\n".join(parts), HARD_CAP, _more(result))


def running(run_id: str, seconds: float, message: str) -> str:
    """What to say of a run that has not ended yet."""
    return (
        f'run {run_id}: still running after {seconds:.0f} s ({message}).\nNext: rlm_job(run="{run_id}") waits for it.'
    )


def loaded(info: dict[str, JSON], outline: str) -> str:
    """A loaded corpus in a few lines."""
    languages = ", ".join(f"{name or 'other'} {count}" for name, count in list(info["languages"].items())[:6])
    state = "unchanged, reused" if info["reused"] else f"read in {info['seconds']:.1f} s"
    lines = [
        f"corpus {info['corpus']} (id: {info['id']}), {info['kind']}, {state}",
        f"{info['documents']:,} documents, {info['lines']:,} lines, {info['bytes'] / 1e6:.1f} MB"
        + (f": {languages}" if languages else ""),
        coverage(info["coverage"]),
        f"revision:{used.removeprefix(' at')}" if (used := freshness.in_words(info)) else "",
        outline,
        f'Next: rlm_ask(corpus="{info["corpus"]}", question="…") or corpus_read(corpus="{info["corpus"]}", query="…").',
    ]
    return cut("\n".join(line for line in lines if line), HARD_CAP, "")


def coverage(report: dict[str, JSON]) -> str:
    """What of a corpus has symbols, what is text alone, and what was left out, each with the reason."""
    parsed = report["parsed"]
    plain = sum(report["languages"].values()) - sum(parsed.values()) - report["text_only"]
    kinds = [
        f"symbols of {_counts(parsed)}" if parsed else "",
        f"plain text {plain:,}" if plain > 0 else "",
        f"text only, though code: {_counts(report['text_only_by_reason'])}" if report["text_only"] else "",
        f"skipped: {_counts(report['skipped_by_reason'])}" if report["skipped_total"] else "nothing skipped",
    ]
    return "coverage: " + "; ".join(kind for kind in kinds if kind)


def _counts(numbers: dict[str, int], most: int = 8) -> str:
    """The largest of them; the rest as one sum."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[most:])
    return ", ".join(f"{name} {count:,}" for name, count in [*ordered[:most], *([("other", rest)] if rest else [])])


def matches(found: list[dict[str, JSON]], note: str, caveat: str = "") -> str:
    """Matches of corpus_read, in the display format of spans, behind what must be known first and before what to ask
    for next.
    """
    blocks = [f"{m['document']}:{m['start_line']}-{m['end_line']}\n{m['text']}" for m in found]
    notes = [f"({note})"] if note else []
    first = [f"({caveat})"] if caveat else []
    return cut("\n\n".join(first + blocks + notes), HARD_CAP, "ask for fewer lines: path:start-end")


def cut(text: str, limit: int, advice: str) -> str:
    """`text` within `limit` bytes of UTF-8; when cut, it says so and what to do."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode("utf-8")
    note = f"\n[cut: {len(data):,} bytes in all{'; ' + advice if advice else ''}]"
    return data[: limit - len(note.encode())].decode("utf-8", "ignore") + note


def _more(result: dict[str, JSON]) -> str:
    return f'the rest: rlm_job(run="{result["run"]}", action="show")'


def _citations(result: dict[str, JSON], detail: str) -> str:
    kept = result["citations"]
    if not kept:
        return "Citations: none."
    shown = kept[: CITATIONS_SHOWN[detail]]
    lines = [f"- {_place(c)} {c['state']}{'' if c.get('seen', True) else ', found by code only'}" for c in shown]
    rest = [f"- and {len(kept) - len(shown)} more"] if len(kept) > len(shown) else []
    return "\n".join(["Citations, re-read and checked:", *lines, *rest])


def _rejected(result: dict[str, JSON]) -> str:
    lines = [f"- {_place(c)}: {c['reason']}" for c in result["rejected"][:8]]
    return "\n".join(["REJECTED citations (do not rely on what they were given for):", *lines]) if lines else ""


def _stamp(result: dict[str, JSON]) -> str:
    return STAMPS.get(result["provider"], "")


def _place(citation: dict[str, JSON]) -> str:
    origin = citation.get("origin") or {}
    where = "".join(f", {key} {origin[key]}" for key in ("page", "sheet", "record") if key in origin)
    return f"{citation['document']}:{citation['start_line']}-{citation['end_line']}{where}"


def _footer(result: dict[str, JSON]) -> str:
    usage = result["usage"]
    money = "cost unknown" if usage["usd"] is None else f"${usage['usd']:.4f}"
    model = "no language model (offline)" if result["model"] == OFFLINE_NAME else result["model"]
    tokens = usage["input_tokens"] + usage["output_tokens"]
    facts = [
        result["status"] + (f" ({result['reason']})" if result["status"] == "complete" and result["reason"] else ""),
        model,
        f"{usage['iterations']} iterations",
        f"{usage['calls']} sub-calls",
        f"{tokens:,} tokens",
    ]
    facts += [
        money,
        f"{usage['seconds']:.1f} s",
        f"sandbox {result['provider']}",
        f"corpus {result['corpus']}{freshness.in_words(result)}",
        f"run {result['run']}",
    ]
    return " · ".join(facts)
