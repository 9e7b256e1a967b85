"""pathspec's only door: which paths the `.gitignore` files of a plain folder ignore."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from rlm_indexers.errors import PatternError

IGNORE_FILE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ignores:
    """The ignore files from the root down to one folder; the nearest one that has an opinion decides."""

    chain: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def entered(self, folder: bytes, below: bytes) -> "Ignores":
        """The same with the ignore file of a folder that lies at `below`, if it has one that is a plain file."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(os.path.join(folder, b".gitignore"), flags)  # noqa: PTH118 - paths are bytes here
        except OSError:
            return self
        with os.fdopen(descriptor, "rb") as file:
            try:
                text = file.read(IGNORE_FILE_BYTES).decode("utf-8", "replace")
            except OSError:  # a directory of that name
                return self
        try:
            spec = GitIgnoreSpec.from_lines(text.split("\n"))
        except ValueError:  # a pattern that is none: git ignores the line, we the file
            return self
        return Ignores((*self.chain, (os.fsdecode(below), spec)))

    def ignored(self, path: bytes, *, folder: bool) -> bool:
        """Whether a path relative to the root is ignored."""
        text = os.fsdecode(path) + "/" * folder
        for below, spec in reversed(self.chain):
            decided = spec.check_file(text.removeprefix(below)).include
            if decided is not None:
                return decided
        return False


def chooser(glob: str) -> Callable[[str], bool]:
    """Tells whether a glob means a document id, as `rg -g` would: `*.py`, `src/**`, `!tests/`, or several with commas.

    With nothing but exclusions, everything else is meant.
    """
    patterns = [part.strip() for part in glob.split(",") if part.strip()]
    wanted = [part for part in patterns if not part.startswith("!")]
    try:
        include = GitIgnoreSpec.from_lines(wanted or ["*"])
        exclude = GitIgnoreSpec.from_lines([part[1:] for part in patterns if part.startswith("!")])
    except ValueError as error:
        raise PatternError(f"the glob {glob!r} cannot be used: {error}; try *.py or src/**") from error
    return lambda name: include.match_file(name) and not exclude.match_file(name)
