"""From the words for a point in time to that point. Nothing is guessed: git itself takes any word for `now`."""

import re
from datetime import UTC, datetime, timedelta

from rlm_indexers.errors import SourceError

_AGO = re.compile(r"(?:last |(?P<n>\d{1,5}) )?(?P<unit>hour|day|week|month|year)s?(?: ago)?", re.IGNORECASE)
_HOURS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}
_SHORT = re.compile(r"\d{4}(?:-\d\d)?")


def moment(words: str) -> int:
    """Seconds since 1970 of a day or time, UTC where no zone stands: `2024`, `2024-05`, `2024-05-01`, an ISO 8601 time,
    `yesterday`, `3 weeks ago`. Raises SourceError for anything else.
    """
    text = words.strip()
    if text.lower() in ("today", "yesterday"):
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return _seconds(midnight - timedelta(days=text.lower() == "yesterday"))
    if ago := _AGO.fullmatch(text):
        return _seconds(datetime.now(UTC) - timedelta(hours=int(ago["n"] or 1) * _HOURS[ago["unit"].lower()]))
    try:
        found = datetime.fromisoformat(text + "-01-01"[len(text) - 4 :] if _SHORT.fullmatch(text) else text)
    except ValueError:
        raise SourceError(
            f"{words[:100]!r} is no date: pass one like 2024-05-01, 2024-05-01T10:00+02:00 or `3 weeks ago`"
        ) from None
    return _seconds(found if found.tzinfo else found.replace(tzinfo=UTC))


def _seconds(when: datetime) -> int:
    return max(0, int(when.timestamp()))
