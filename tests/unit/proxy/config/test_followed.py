"""Reading a configuration again, and telling when there is something to read."""

import os

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.followed import NO_FILE, Followed
from proxy.config.listeners import Overrides
from proxy.config.load import load

FILE = (
    '[providers.a]\ndialect = "openai-chat"\nbase_url = "https://a.test/v1"\nkeys = []\n[models.m]\nchain = ["a/x"]\n'
)
DIGEST = "ab" * 32
CLIENTS = f'[clients.app]\nkey_sha256 = ["{DIGEST}"]\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def followed(file):
    return Followed(str(file), {})


def seen(followed, times):
    return [followed.changed() for _ in range(times)]


class TestChanges:
    def test_a_file_that_was_read_has_not_changed(self, followed):
        followed.load()
        assert seen(followed, 3) == [False, False, False]

    def test_a_change_counts_once_it_looks_the_same_twice(self, followed, file):
        """Whoever writes it is not finished at the first look."""
        followed.load()
        for size in (1, 2):
            file.write_text(FILE + "#" * size)
            assert followed.changed() is False
        assert seen(followed, 2) == [True, True]
        followed.load()
        assert seen(followed, 2) == [False, False]

    def test_a_change_that_was_refused_is_not_a_change_again(self, followed, file):
        followed.load()
        file.write_text("wrong = 1")
        with pytest.raises(ConfigErrors):
            followed.load()
        assert seen(followed, 2) == [False, False]

    def test_what_changed_while_it_was_read_is_another_change(self, followed, file, monkeypatch):
        def slowly(path, env, overrides):
            file.write_text(FILE + "# later")
            return load(path, env, overrides)

        monkeypatch.setattr("proxy.config.followed.load", slowly)
        followed.load()
        assert seen(followed, 2) == [False, True]

    def test_a_switched_link_is_a_change_though_size_and_time_are_the_same(self, file, tmp_path):
        for name in "ab":
            (tmp_path / name).mkdir()
            (tmp_path / name / "s.toml").write_text(FILE)
            os.utime(tmp_path / name / "s.toml", (1e9, 1e9))
        (tmp_path / "data").symlink_to("a")
        followed = Followed(str(tmp_path / "data" / "s.toml"), {})
        followed.load()
        (tmp_path / "next").symlink_to("b")
        (tmp_path / "next").replace(tmp_path / "data")
        assert seen(followed, 2) == [False, True]

    def test_a_file_that_is_gone_has_changed_and_comes_back_as_another_change(self, followed, file):
        followed.load()
        file.unlink()
        assert seen(followed, 2) == [False, True]
        with pytest.raises(ConfigErrors, match="no such file"):
            followed.load()
        assert seen(followed, 1) == [False]
        file.write_text(FILE)
        assert seen(followed, 2) == [False, True]

    def test_without_a_file_nothing_changes(self):
        followed = Followed(None, {"OPENAI_API_KEY": "k"})
        followed.load()
        assert (followed.file, followed.changed()) == ("", False)

    def test_the_file_may_be_named_by_the_environment(self, file):
        assert Followed(None, {"SIDESTEP_CONFIG": str(file)}).file == str(file)


class TestReloading:
    def test_it_gives_the_file_as_it_is_now(self, followed, file):
        current = followed.load().config
        file.write_text(FILE.replace('"a/x"', '"a/y"'))
        assert followed.reload(current).config.models["m"].chain[0].model == "y"

    def test_every_mistake_is_told(self, followed, file):
        current = followed.load().config
        file.write_text(FILE + "[server]\ndrain_s = -1\nlistn = 1\n")
        with pytest.raises(ConfigErrors) as refused:
            followed.reload(current)
        assert len(refused.value.errors) == 2

    @pytest.mark.parametrize(
        ("line", "field", "value"),
        [
            ('listen = "127.0.0.1:1"', "listen", "127.0.0.1:4600"),
            ('admin = "127.0.0.1:1"', "admin", "127.0.0.1:4601"),
            ('engine = "httpx2"', "engine", "native"),
        ],
    )
    def test_what_only_a_new_start_changes_stays_with_a_warning(self, followed, file, line, field, value):
        current = followed.load().config
        file.write_text(f"{FILE}[server]\n{line}\ndrain_s = 7\n")
        loaded = followed.reload(current)
        assert loaded.warnings == (f"{file}: server.{field}: stays {value} until a new start",)
        assert getattr(loaded.config.server, field) == value
        assert loaded.config.server.drain_s == 7

    def test_the_command_line_still_outranks_the_file(self, file):
        followed = Followed(str(file), {}, Overrides(port=0, admin="127.0.0.1:0"))
        current = followed.load().config
        assert followed.reload(current).warnings == ()
        assert current.server.listen == "127.0.0.1:0"

    def test_an_address_that_stays_open_still_needs_its_clients(self, followed, file):
        """The file says loopback, but the process listens where it did."""
        file.write_text(f'{FILE}{CLIENTS}[server]\nlisten = "0.0.0.0:4600"\n')
        current = followed.load().config
        file.write_text(FILE)
        with pytest.raises(ConfigErrors, match=r"server\.listen: 0\.0\.0\.0:4600 is reachable from other machines"):
            followed.reload(current)

    def test_without_a_file_it_says_that_there_is_nothing_to_read(self):
        followed = Followed(None, {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"})
        current = followed.load().config
        loaded = followed.reload(current)
        assert loaded.config == current
        assert loaded.warnings[-1] == NO_FILE
