"""A function runs with another working directory, and nobody else is moved for longer than that."""

import os
import threading
from pathlib import Path

import pytest

from rlm_sandbox.daytona import elsewhere


@pytest.fixture(params=["a directory of its own", "the whole process"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways there are: where the system refuses a thread its own directory, the process moves."""
    if request.param == "the whole process":
        monkeypatch.setattr(elsewhere, "detached", lambda: False)


@pytest.mark.usefixtures("_way")
def test_the_function_runs_at_the_root_and_we_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert elsewhere.run_elsewhere(Path.cwd) == Path("/")
    assert Path.cwd() == tmp_path


@pytest.mark.usefixtures("_way")
def test_an_error_is_raised_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        elsewhere.run_elsewhere(lambda: os.stat("no-such-file-at-the-root"))  # noqa: PTH116
    assert Path.cwd() == tmp_path


def test_other_threads_do_not_move_where_a_thread_may_have_its_own_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[Path] = []

    def look() -> bool:
        own = elsewhere.detached()
        os.chdir("/")
        other = threading.Thread(target=lambda: seen.append(Path(os.readlink(f"/proc/{os.getpid()}/cwd"))))  # noqa: PTH115
        other.start()
        other.join()
        if not own:
            os.chdir(tmp_path)
        return own

    moved: list[bool] = []
    thread = threading.Thread(target=lambda: moved.append(look()))
    thread.start()
    thread.join()
    assert Path.cwd() == tmp_path
    assert not moved[0] or seen == [tmp_path]
