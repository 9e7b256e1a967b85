"""Definitions compared with a compiler's own parser: `python tests/accuracy/compilers.py go|typescript FOLDER …`.

TypeScript needs `node` and `--typescript` naming the folder of the npm package; Go needs a toolchain.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.accuracy.common import Found, Score, by_line, by_span, compare, differences, facts_of, ours, row, sources

HERE = Path(__file__).parent
TYPES = {"class", "interface", "type", "enum", "namespace", "struct"}
LANGUAGES = {"go": ["go"], "typescript": ["typescript", "tsx"], "javascript": ["javascript"]}


def truth(language: str, files: list[Path], typescript: str) -> Iterator[Found]:
    if language == "go":
        command = ["go", "run", str(HERE / "go_truth.go")]
    else:
        command = ["node", "--stack-size=4000", str(HERE / "typescript_truth.js"), typescript]
    listing = "\n".join(map(str, files)).encode()
    out = subprocess.run(command, input=listing, stdout=subprocess.PIPE, check=True).stdout
    for line in out.splitlines():
        path, name, start, end, rest = json.loads(line)
        yield Found(path, name, start, end, str(rest))


def measure(language: str, root: Path, typescript: str, show: bool) -> None:
    files = list(sources(root, LANGUAGES[language]))
    known = list(truth(language, [path for path, _ in files], typescript))
    wanted = [found for found in known if found.name]
    seen = {found.path for found in known}
    facts = list(facts_of((path, each) for path, each in files if language != "go" or str(path) in seen))
    kinds = TYPES | {"function", "method"}
    got = [found for path, each in facts for found in ours(path, each, kinds, lambda symbol: symbol.name)]
    got = [found for found in got if found.name]
    for how, key in (("name and line", by_line), ("span", by_span)):
        score: Score = compare(wanted, got, key)
        where = f"{root.name} ({len(files)} files)"
        sys.stdout.write(row(language, where, how, score.truth, score.found, score.recall, score.precision) + "\n")
        if show:
            differences(wanted, got, key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=sorted(LANGUAGES))
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--typescript", default="typescript")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    for folder in arguments.folder:
        measure(arguments.language, folder.resolve(), arguments.typescript, arguments.show)


if __name__ == "__main__":
    main()
