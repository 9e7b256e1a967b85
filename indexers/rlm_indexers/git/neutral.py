"""A git directory of ours before another's objects: what a checkout configures, names or hides is out of reach there.

`neutral/` holds an empty one for each kind of object name. With it in front, git reads from the other repository its
objects and where a shallow clone ends, and nothing else: no configuration, attributes, references, grafts or hooks.
Objects borrowed from a third repository (`objects/info/alternates`) are not there either, since that never agreed.
"""

import functools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SHA256 = re.compile(r"^\s*objectformat\s*=\s*\"?sha256", re.IGNORECASE | re.MULTILINE)
_PARTIAL = re.compile(r"^\s*(?:partialclone\s*=|promisor\s*=\s*\"?(?:true|yes|on|1)\b)", re.IGNORECASE | re.MULTILINE)
_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of a repository, by the directory that holds `objects`: for linked worktrees the one they share."""

    common: Path

    @property
    def front(self) -> Path:
        """Our git directory for the names these objects have."""
        return Path(__file__).with_name("neutral") / ("sha256" if _SHA256.search(self._config()) else "sha1")

    @property
    def environment(self) -> dict[str, str]:
        """What makes git look for objects there."""
        found = {"GIT_OBJECT_DIRECTORY": str(_without_alternates(self.common) if self.borrowed else self._folder)}
        return found | ({"GIT_SHALLOW_FILE": str(self.common / "shallow")} if self.shallow else {})

    @property
    def borrowed(self) -> bool:
        """Whether the repository counts on objects of another one."""
        return (self._folder / "info" / "alternates").exists()

    @property
    def shallow(self) -> bool:
        """Whether the history is cut somewhere."""
        file = self.common / "shallow"
        return file.is_file() and not file.is_symlink()

    @property
    def partial(self) -> bool:
        """Whether objects were left out when it was cloned."""
        return bool(_PARTIAL.search(self._config()))

    @property
    def ends(self) -> frozenset[str]:
        """The commits at which a shallow history is cut: their parents are not here."""
        return (
            frozenset((self.common / "shallow").read_text("ascii", "replace").split()) if self.shallow else frozenset()
        )

    @property
    def _folder(self) -> Path:
        return self.common / "objects"

    def _config(self) -> str:
        try:
            with (self.common / "config").open("rb") as file:
                return file.read(_CONFIG_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""


@functools.cache
def _folder_of_links() -> tempfile.TemporaryDirectory[str]:
    """Where object folders without alternates are made; gone with the process."""
    return tempfile.TemporaryDirectory(prefix="rlm-git-")


@functools.cache
def _without_alternates(common: Path) -> Path:
    """The same objects, but for what `objects/info` adds to them: git has no other way to be told."""
    folder = Path(tempfile.mkdtemp(dir=_folder_of_links().name))
    for name in ("pack", *(f"{n:02x}" for n in range(256))):
        (folder / name).symlink_to(common / "objects" / name)
    return folder
