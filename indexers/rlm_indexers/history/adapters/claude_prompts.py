"""Who really said what a Claude Code `user` record holds: the user, the client in the user's name, or nobody."""

import re
from typing import Any

from rlm_indexers.history.events import Event

JSON = Any
_COMMAND = re.compile(r"<command-name>\s*(.*?)\s*</command-name>", re.DOTALL)
_ARGUMENTS = re.compile(r"<command-args>\s*(.*?)\s*</command-args>", re.DOTALL)
_SHELL = re.compile(r"\s*<bash-input>\s*(.*?)\s*</bash-input>", re.DOTALL)
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>\s*", re.DOTALL)
_INJECTED = re.compile(
    r"\s*<(?:local-command-(?:caveat|stdout|stderr)|bash-(?:stdout|stderr)|user-memory-input|ide_[a-z_]+|"
    r"post-tool-use-hook|user-prompt-submit-hook|session-start-hook)"
)
_TYPED = frozenset({"", "sdk", "human", "user", "cli", "typed", "queued", "prompt"})


def said(record: dict[str, JSON], text: str) -> list[Event]:
    """The text of a `user` record, split into what the user typed and what was put there."""
    if record.get("isCompactSummary"):
        return [Event("compaction", "system", "compaction summary (made by the client, not said by the user)", text)]
    if text.startswith("[Request interrupted"):
        return [Event("abort", "user", "user interrupted the agent", text)]
    if _is_notification(record, text):
        return [Event("notification", "system", "notification (not typed by the user)", text)]
    if record.get("isMeta") or _INJECTED.match(text):
        return [_injected(text)]
    return _commanded(text) or _split(text, record)


def _commanded(text: str) -> list[Event]:
    if text.lstrip().startswith("<command-") and (command := _COMMAND.search(text)):
        arguments = _ARGUMENTS.search(text)
        return [Event("prompt", "user", "user command", f"{command[1]} {arguments[1] if arguments else ''}".rstrip())]
    shell = _SHELL.match(text)
    return [Event("prompt", "user", "user shell command", shell[1])] if shell else []


def _injected(text: str) -> Event:
    return Event("injected", "system", "injected by the client (not typed by the user)", text)


def _is_notification(record: dict[str, JSON], text: str) -> bool:
    origin = record.get("origin")
    kind = origin.get("kind") if isinstance(origin, dict) else ""
    turn = str(record.get("turnOrigin") or "")
    return (
        text.lstrip().startswith("<task-notification>")
        or (isinstance(kind, str) and "notification" in kind)
        or "notification" in turn
    )


def _split(text: str, record: dict[str, JSON]) -> list[Event]:
    """Reminders apart from the words around them."""
    reminders = _REMINDER.findall(text) if "<system-reminder>" in text else []
    typed = _REMINDER.sub("", text).strip() if reminders else text
    events = [_injected("".join(reminders))] if reminders else []
    if typed:
        # An origin we have not met may be a person's or not: it is named, so that nobody takes it for granted.
        source = str(record.get("turnOrigin") or record.get("promptSource") or "")
        label = "user prompt" if source in _TYPED else f"user prompt (origin: {source[:40]})"
        events.append(Event("prompt", "user", label, typed))
    return events
