"""A recording's file keeps to its room, and touches nothing that is no recording."""

import errno
import os

import pytest

from proxy.recording import file as recording_file
from proxy.recording.file import NotOurs, Rotating

LINE = b'{"recording":1,"x":"' + b"x" * 78 + b'"}\n'
assert len(LINE) == 101


@pytest.fixture
def path(tmp_path):
    return tmp_path / "exchanges.jsonl"


def sizes(path):
    return [one.stat().st_size if one.exists() else 0 for one in (path, path.with_name(f"{path.name}.1"))]


def test_the_file_and_the_one_before_never_take_more_than_their_room(path):
    file = Rotating(str(path), 600)
    for _ in range(20):
        assert file.append(LINE)
        assert sum(sizes(path)) <= 600
    assert sizes(path) == [202, 202]
    file.close()


def test_a_line_of_more_than_half_the_room_is_not_written(path):
    file = Rotating(str(path), 200)
    assert not file.append(LINE)
    assert not path.exists()


def test_what_is_there_is_added_to_and_counts(path):
    path.write_bytes(LINE * 2)
    file = Rotating(str(path), 610)
    assert file.append(LINE)
    assert file.append(LINE)
    assert sizes(path) == [101, 303]
    file.close()


def test_a_line_that_broke_off_is_ended_before_the_next(path):
    path.write_bytes(LINE + LINE[:50])
    file = Rotating(str(path), 1000)
    file.append(LINE)
    assert path.read_bytes() == LINE + LINE[:50] + b"\n" + LINE
    file.close()


def test_files_from_when_there_was_more_room_give_it_back(path):
    path.write_bytes(LINE * 5)
    path.with_name(f"{path.name}.1").write_bytes(LINE * 5)
    file = Rotating(str(path), 404)
    file.append(LINE)
    assert sizes(path) == [101, 0]
    file.close()


def test_others_may_not_read_it(path):
    file = Rotating(str(path), 1000)
    file.append(LINE)
    assert path.stat().st_mode & 0o777 == 0o600
    file.close()


@pytest.mark.parametrize("content", [b"export KEY=1\n", b'{"a": 1}\n', b"\n\n\n\nx"])
def test_a_file_that_is_no_recording_is_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(NotOurs, match="is no recording"):
        Rotating(str(path), 1000).append(LINE)
    assert path.read_bytes() == content


def test_a_file_of_the_earlier_name_that_is_no_recording_is_left_alone(path):
    earlier = path.with_name(f"{path.name}.1")
    earlier.write_bytes(b"mine\n")
    with pytest.raises(NotOurs, match=r"\.1 is no recording"):
        Rotating(str(path), 1000).append(LINE)
    assert earlier.read_bytes() == b"mine\n"


def test_links_and_pipes_are_refused(tmp_path, path):
    path.symlink_to(tmp_path / "else")
    with pytest.raises(OSError, match="symbolic links"):
        Rotating(str(path), 1000).append(LINE)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotOurs, match="no plain file"):
        Rotating(str(path), 1000).append(LINE)


def test_one_process_writes_a_file(path):
    file = Rotating(str(path), 1000)
    file.open()
    file.open()
    with pytest.raises(NotOurs, match="another process"):
        Rotating(str(path), 1000).open()
    file.close()
    Rotating(str(path), 1000).open()


def test_a_line_that_cannot_be_written_whole_is_not_there_at_all(path, monkeypatch):
    file = Rotating(str(path), 1000)
    file.append(LINE)
    written = []

    def full(descriptor, data):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(data)
        return write(descriptor, data[:10])

    write = os.write
    monkeypatch.setattr(recording_file.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        file.append(LINE)
    monkeypatch.undo()
    assert path.read_bytes() == LINE
    assert file.append(LINE)
    assert path.read_bytes() == LINE * 2
    file.close()
