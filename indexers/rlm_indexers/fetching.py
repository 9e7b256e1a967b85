"""From a resolved source to its documents: the one place that knows which module reads which kind."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_indexers.corpus import Fetched
from rlm_indexers.pack.previous import Previous
from rlm_indexers.sources import Source

if TYPE_CHECKING:
    from rlm_indexers.history import Places


def fetch(
    source: Source,
    cache: Path,
    previous: Previous | None,
    progress: Callable[[str], None] | None,
    places: "Places | None" = None,
    confine: Path | None = None,
) -> Fetched:
    """The documents of a source. Modules are imported when a source of their kind is loaded, not before."""
    if source.form == "several":
        from rlm_indexers import several

        return several.fetch(source, previous, lambda part, held: fetch(part, cache, held, progress, confine=confine))
    if source.kind == "repo":
        from rlm_indexers.repo import documents as repo

        return repo.fetch(source, cache=cache, previous=previous, progress=progress)
    if source.kind == "folder":
        from rlm_indexers import folder

        place = Path(source.location)
        return folder.fetch(place, cache=cache, previous=previous, progress=progress, confine=confine)
    from rlm_indexers import history

    return history.fetch(source, cache=cache, previous=previous, progress=progress, places=places)
