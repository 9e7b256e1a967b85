"""Whole questions over sources that nobody here wrote, through the command line and a scripted model over HTTP.

The installed `mcp` and `litellm` packages are put into fresh git repositories; a PDF of 120 pages and real Claude Code
transcripts stand for the other two kinds. Every citation that comes back is opened at its lines by the test itself.
"""

import hashlib
import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_repository
from tests.support.asking import cell
from tests.support.cli import Cli, Ran
from tests.support.documents import pdf
from tests.support.scripted_model import Asked, ScriptedModel

HISTORY = Path(__file__).resolve().parents[1] / "data" / "history" / "claude-code"

LOOK = cell("""
hits = corpus.grep(r"^class \\w*Error\\b")
print(hits[:3])
picked = hits[0]
answers = llm_query_batched([f"Name the class defined here:\\n{span.text}" for span in hits[:4]])
print([str(a) for a in answers])
""")
ANSWER = cell("""
lines = [f"- {str(a)} [{s.document}:{s.start}-{s.end}]" for a, s in zip(answers, hits[:3])]
FINAL("These error classes exist:\\n" + "\\n".join(lines))
""")


def package(name: str, folder: Path) -> Path:
    """The Python files of an installed package as a git repository of their own."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0])
    only_python = shutil.ignore_patterns(
        "proxy", "integrations", "*.so", "*.json", "__pycache__", "*.html", "*.js", "*.css", "*.png", "*.svg"
    )
    shutil.copytree(source, folder / name, ignore=only_python)
    return make_repository(folder, {"README": f"a copy of the installed {name}\n"})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", params=["mcp", "litellm"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Cli:
    """A real package as a repository, and the command line inside it."""
    return Cli(cache, package(request.param, tmp_path_factory.mktemp(request.param)))


def scripted(cli: Cli, server: ScriptedModel) -> Cli:
    keys = (("OPENAI_BASE_URL", server.url), ("OPENAI_API_KEY", "none"))
    return Cli(cli.home, cli.cwd, (*keys, ("RLM_MODEL", "openai/root"), ("RLM_SUB_MODEL", "openai/sub")))


def assert_every_citation_opens(ran: Ran, folder: Path) -> list[dict[str, Any]]:
    """Each citation's quote stands at its lines in the file on disk; the file is the one that was read."""
    citations: list[dict[str, Any]] = ran.json["citations"]
    for citation in citations:
        assert citation["state"] == "verified"
        data = (folder / citation["document"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == citation["sha256"]
        lines = data.decode().split("\n")[citation["start_line"] - 1 : citation["end_line"]]
        assert citation["quote"] in "\n".join(lines)
    return citations


@pytest.mark.parametrize(
    "question", ["Where is a tool error raised?", "How are messages read from stdin?", "Which class holds settings?"]
)
def test_the_offline_model_cites_lines_that_open(real: Cli, question: str) -> None:
    ran = real("ask", ".", question, "--json")
    assert ran.code == 0, ran.err
    assert assert_every_citation_opens(ran, real.cwd)


def test_a_model_of_several_iterations_cites_what_its_sub_calls_read(real: Cli) -> None:
    def sub(asked: Asked) -> str:
        return re.findall(r"class (\w*Error\w*)", asked.text)[0]

    with ScriptedModel({"root": [LOOK, ANSWER], "sub": sub}) as server:
        ran = scripted(real, server)("ask", ".", "Which error classes are there?", "--json")
    assert ran.code == 0, ran.out + ran.err
    assert len(assert_every_citation_opens(ran, real.cwd)) == 3
    assert all(citation["seen"] for citation in ran.json["citations"])
    usage = ran.json["usage"]
    assert (usage["iterations"], usage["calls"], usage["usd"]) == (2, 4, None)
    assert "Error" in ran.json["answer"]


def test_a_citation_into_a_pdf_of_120_pages_opens_at_its_page(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    pages = [[f"Page {n} of the report.", f"The code word of page {n} is heron-{n * 7919}."] for n in range(1, 121)]
    (folder / "report.pdf").write_bytes(pdf(pages))
    (folder / "notes.md").write_text("# Notes\n\nNothing about code words of birds.\n")
    look = cell("spans = corpus.grep('heron-688953')\nprint(spans)")
    answer = cell("FINAL(f'It is on page 87 [{spans[0].document}:{spans[0].start}-{spans[0].end}].')")
    cli = Cli(tmp_path, folder)
    with ScriptedModel({"root": [look, answer]}) as server:
        ran = scripted(cli, server)("ask", ".", "On which page is heron-688953?", "--json")
    assert ran.code == 0, ran.err
    [citation] = ran.json["citations"]
    assert (citation["document"], citation["state"], citation["origin"]["page"]) == ("report.pdf", "verified", 87)
    assert "heron-688953" in citation["quote"]
    assert citation["sha256"] == hashlib.sha256((folder / "report.pdf").read_bytes()).hexdigest()


def test_a_citation_into_a_transcript_opens_at_its_record(tmp_path: Path) -> None:
    transcripts = tmp_path / "transcripts"
    shutil.copytree(HISTORY, transcripts)
    cli = Cli(tmp_path, tmp_path)
    asked = cli("ask", f"history:{transcripts}", "Who said to never touch the public API?", "--json")
    assert asked.code == 0, asked.err
    citations = [c for c in asked.json["citations"] if "public API" in c["quote"]]
    assert citations, asked.json["answer"]
    for citation in citations:
        origin = citation["origin"]
        raw = Path(origin["file"]).read_bytes()[origin["offset"] :].split(b"\n", 1)[0]
        record = Path(origin["file"]).read_bytes().split(b"\n")[origin["record"] - 1]
        assert raw == record
        assert isinstance(json.loads(record), dict)
