"""Which documents of a corpus an import means, by the rules of its language. Paths only; no document is read."""

import posixpath
from collections.abc import Iterable
from functools import lru_cache

from rlm_indexers.languages import language_of

_SCRIPTS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".json")
_JVM = (".java", ".kt", ".scala")


class Modules:
    """The documents of a corpus by the names under which they can be imported."""

    def __init__(self, documents: Iterable[str]) -> None:
        self._all = sorted(documents)
        self._known = frozenset(self._all)
        self._by_stem: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        for document in self._all:
            self._by_stem.setdefault(_stem(document), []).append(document)
            self._by_folder.setdefault(posixpath.dirname(document), []).append(document)
        self._folders_by_name: dict[str, list[str]] = {}
        for folder in self._by_folder:
            self._folders_by_name.setdefault(posixpath.basename(folder), []).append(folder)
        self.find = lru_cache(65536)(self._find)

    def _find(self, document: str, module: str) -> tuple[str, ...]:
        """The documents that `module`, imported in a document, stands for; () when they are not of this corpus."""
        match language_of(document):
            case "python":
                found = self._python(document, module)
            case "javascript" | "typescript" | "tsx" | "vue" | "svelte":
                found = self._script(document, module)
            case "go":
                found = tuple(self._folder_files(self._folder_of(module), ".go"))
            case "java" | "kotlin" | "scala":
                found = self._jvm(document, module)
            case "ruby":
                found = self._included(document, module.removeprefix("./") + ".rb")
            case _:
                found = self._included(document, module) if "/" in module or "." in module else ()
        return found

    def beside(self, document: str) -> list[str]:
        """The documents in the same folder, in the same language."""
        language = language_of(document)
        around = self._by_folder.get(posixpath.dirname(document), [])
        return [each for each in around if language_of(each) == language]

    def _python(self, document: str, module: str) -> tuple[str, ...]:
        level = len(module) - len(module.lstrip("."))
        path = module[level:].replace(".", "/")
        if level:
            folder = posixpath.dirname(document)
            for _ in range(level - 1):
                folder = posixpath.dirname(folder)
            return self._python_file(posixpath.join(folder, path) if path else folder)
        stem = path.rpartition("/")[2]
        found = [each for each in self._by_stem.get(stem, ()) if self._is_at_root(each, path)]
        return _nearest(document, found)

    def _python_file(self, path: str) -> tuple[str, ...]:
        for name in (f"{path}.py", f"{path}/__init__.py", f"{path}.pyi", "__init__.py" if not path else ""):
            if name in self._known:
                return (name,)
        return ()

    def _is_at_root(self, candidate: str, path: str) -> bool:
        """Whether a document is what `import path` finds: the folder it is counted from must be no package."""
        if not candidate.endswith((".py", ".pyi")):
            return False
        bare = candidate.rpartition(".")[0].removesuffix("/__init__")
        if bare != path and not bare.endswith("/" + path):
            return False
        root = bare[: -len(path)].rstrip("/")
        return posixpath.join(root, "__init__.py") not in self._known

    def _script(self, document: str, module: str) -> tuple[str, ...]:
        if not module.startswith("."):
            return ()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document), module))
        bare = path.rpartition(".")[0] if path.endswith((".js", ".mjs", ".cjs", ".jsx")) else path
        names = [path, *(bare + end for end in _SCRIPTS), *(f"{path}/index{end}" for end in _SCRIPTS)]
        return tuple(name for name in names if name in self._known)[:1]

    def _jvm(self, document: str, module: str) -> tuple[str, ...]:
        path = module.replace(".", "/")
        stem = path.rpartition("/")[2]
        named = [d for d in self._by_stem.get(stem, ()) if d.endswith(_JVM) and _ends(d.rpartition(".")[0], path)]
        if named:
            return _nearest(document, named)
        folder = self._folder_of(path)
        return tuple(name for end in _JVM for name in self._folder_files(folder, end))

    def _included(self, document: str, module: str) -> tuple[str, ...]:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(document), module))
        if beside in self._known:
            return (beside,)
        wanted = module.lstrip("./")
        return _nearest(document, [each for each in self._by_stem.get(_stem(wanted), ()) if _ends(each, wanted)])

    def _folder_of(self, path: str) -> str | None:
        """The folder that most of the end of a path names."""
        found = [f for f in self._folders_by_name.get(posixpath.basename(path), ()) if _ends(path, f) or _ends(f, path)]
        return max(found, key=len) if found else None

    def _folder_files(self, folder: str | None, end: str) -> list[str]:
        return [each for each in self._by_folder.get(folder, ()) if each.endswith(end)] if folder is not None else []


def _stem(document: str) -> str:
    """What a document is called when it is imported: `a/b.py` is b, and so is `a/b/__init__.py`."""
    folder, name = posixpath.split(document)
    if name.startswith("__init__."):
        return posixpath.basename(folder)
    return name.partition(".")[0]


def _ends(path: str, end: str) -> bool:
    return bool(end) and (path == end or path.endswith("/" + end))


def _nearest(document: str, found: list[str]) -> tuple[str, ...]:
    """Of several documents that could be meant, the one that shares most of its path; () when two share the same."""
    if len(found) < 2:
        return tuple(found)
    ranked = sorted(((len(posixpath.commonprefix([document, each])), each) for each in found), reverse=True)
    return (ranked[0][1],) if ranked[0][0] > ranked[1][0] else ()
