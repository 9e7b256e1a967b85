"""Definitions compared with a language's own parser: `python tests/accuracy/compilers.py LANGUAGE FOLDER …`.

Go, Java (a JDK) and Ruby (3.x) need their toolchain alone. The others need `--library`: of TypeScript and JavaScript
the folder of the npm package typescript (and `node`), of PHP the autoloader of nikic/php-parser 4, of Rust the program
built from rust_truth.rs. Files that the parser refuses are left out on both sides.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.accuracy.common import Found, Score, by_line, by_span, compare, differences, facts_of, ours, row, sources

HERE = Path(__file__).parent
TYPES = {"class", "interface", "type", "enum", "namespace", "struct", "trait", "union", "module"}
LANGUAGES = {"typescript": ["typescript", "tsx"]}
JAVAC = "--add-exports=jdk.compiler/com.sun.tools.javac.tree=ALL-UNNAMED"


def command(language: str, library: str) -> list[str]:
    match language:
        case "go":
            return ["go", "run", str(HERE / "go_truth.go")]
        case "java":
            return ["java", JAVAC, str(HERE / "JavaTruth.java")]
        case "ruby":
            return ["ruby", str(HERE / "ruby_truth.rb")]
        case "php":
            return ["php", str(HERE / "php_truth.php"), library]
        case "rust":
            return [library]
    return ["node", "--stack-size=4000", str(HERE / "typescript_truth.js"), library]


def truth(language: str, files: list[Path], library: str) -> Iterator[Found]:
    """Every definition; and for each file that is accepted one without a name."""
    listing = "\n".join(map(str, files)).encode()
    out = subprocess.run(command(language, library), input=listing, stdout=subprocess.PIPE, check=True).stdout
    for line in out.splitlines():
        path, name, start, end, rest = json.loads(line)
        yield Found(path, name, start, end, str(rest))


def measure(language: str, root: Path, library: str, show: int) -> None:
    files = list(sources(root, LANGUAGES.get(language, [language])))
    known = list(truth(language, [path for path, _ in files], library))
    wanted = [found for found in known if found.name]
    seen = {found.path for found in known}
    files = [(path, each) for path, each in files if str(path) in seen]
    facts = list(facts_of(files))
    kinds = TYPES | {"function", "method"}
    got = [found for path, each in facts for found in ours(path, each, kinds, lambda symbol: symbol.name)]
    got = [found for found in got if found.name]
    for how, key in (("name and line", by_line), ("span", by_span)):
        score: Score = compare(wanted, got, key)
        where = f"{root.name} ({len(files)} files)"
        sys.stdout.write(row(language, where, how, score.truth, score.found, score.recall, score.precision) + "\n")
        if show:
            differences(wanted, got, key, show)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=["go", "java", "javascript", "php", "ruby", "rust", "typescript"])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--library", default="typescript")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="differences of each kind to list")
    arguments = parser.parse_args()
    for folder in arguments.folder:
        measure(arguments.language, folder.resolve(), arguments.library, arguments.show)


if __name__ == "__main__":
    main()
