"""All accuracy tables: `python tests/accuracy/run.py FOLDER`, or `make accuracy SOURCES=FOLDER`.

FOLDER holds the sources, one folder for each row of SOURCES below; what is absent is left out and named. Without a
FOLDER this repository and the standard library of this Python are measured. Tools that are looked for: `ctags`
(universal-ctags), `go`, `java`, `ruby`, `php` and `node`, what LIBRARIES names, and jedi in this environment.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = (
    ("python.py", (), "django"),
    ("compilers.py", ("typescript",), "typeorm"),
    ("compilers.py", ("javascript",), "node"),
    ("compilers.py", ("go",), "go"),
    ("compilers.py", ("java",), "dubbo"),
    ("compilers.py", ("ruby",), "rails"),
    ("compilers.py", ("php",), "symfony"),
    ("compilers.py", ("rust",), "rust-analyzer"),
    ("ctags.py", ("c",), "git"),
    ("ctags.py", ("c",), "cpython"),
    ("ctags.py", ("c",), "postgresql"),
    ("ctags.py", ("cpp",), "rocksdb"),
    ("ctags.py", ("csharp",), "jellyfin"),
    ("callers.py", (), "django"),
)
LIBRARIES = {
    "typescript": "typescript",
    "javascript": "typescript",
    "php": "php-parser/autoload.php",
    "rust": "rust_truth",
}
"""Below FOLDER: an npm package, nikic/php-parser, the program built from rust_truth.rs."""


def run(script: str, arguments: tuple[str, ...], folder: Path) -> None:
    sys.stdout.write(f"\n{script} {' '.join(arguments)} {folder.name}\n")
    sys.stdout.flush()
    library = LIBRARIES.get(arguments[0], "") if script == "compilers.py" else ""
    more = ("--library", str(folder.parent / library)) if library else ()
    command = [sys.executable, str(HERE / script), *arguments, str(folder), *more]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    subprocess.run(command, check=False, env=environment)


def main() -> None:
    if len(sys.argv) < 2:
        run("python.py", (), HERE.parents[1] / "indexers")
        run("python.py", (), Path(sysconfig.get_path("stdlib")) / "asyncio")
        return
    root = Path(sys.argv[1]).resolve()
    for script, arguments, name in SOURCES:
        if (root / name).is_dir():
            run(script, arguments, root / name)
        else:
            sys.stdout.write(f"\nleft out: {name} is not in {root}\n")


if __name__ == "__main__":
    main()
