"""The journal reaches the disk without holding up the loop that writes it."""

import os
import threading

import pytest

from rlm_mcp.journal import FileJournal, read


@pytest.fixture
def disk(monkeypatch):
    """A disk that syncs when it is let go, and says how often."""
    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.sync)
    yield disk
    disk.go.set()


class Disk:
    def __init__(self):
        self.go, self.began = threading.Event(), threading.Event()
        self.sizes = []
        self.fails = False

    def sync(self, fd):
        self.began.set()
        assert self.go.wait(30)
        if self.fails:
            raise OSError("the disk is full")
        self.sizes.append(os.fstat(fd).st_size)


def test_what_was_paid_for_is_written_at_once_and_synced_beside_the_loop(tmp_path, disk):
    written = FileJournal(tmp_path / "journal.jsonl")
    written.write("model_reply", text="paid")
    assert disk.began.wait(30)
    for _ in range(50):
        written.write("model_reply", text="paid too")
    assert len(list(read(written.path))) == 51
    disk.go.set()
    written.close()
    assert disk.sizes[-1] == written.path.stat().st_size
    assert len(disk.sizes) == 2


def test_the_first_and_the_last_record_of_a_run_are_on_the_disk_when_written(tmp_path, disk):
    disk.go.set()
    written = FileJournal(tmp_path / "journal.jsonl")
    for kind in ("run", "outcome"):
        written.write(kind)
        assert disk.sizes[-1] == written.path.stat().st_size
    written.close()


def test_a_disk_that_refuses_is_heard_of(tmp_path, disk):
    disk.fails = True
    disk.go.set()
    written = FileJournal(tmp_path / "journal.jsonl")
    written.write("cell_result")
    with pytest.raises(OSError, match="the disk is full"):
        written.close()
    written.close()
