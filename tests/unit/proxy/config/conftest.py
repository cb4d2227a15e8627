"""Loading configurations from text."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.listeners import Overrides
from proxy.config.load import Loaded, load

ENV = {"ALPHA_KEY": "alpha-key", "BETA_KEY": "beta-key", "OPENAI_API_KEY": "openai-key"}
BASE = """
[providers.alpha]
dialect = "openai-chat"
base_url = "https://alpha.example/v1"
keys = ["env:ALPHA_KEY"]

[providers.beta]
dialect = "anthropic-messages"
base_url = "https://beta.example"
keys = ["env:BETA_KEY"]

[models."gpt-4o"]
chain = ["alpha/gpt-4o", "beta/claude"]
"""

LoadText = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadText:
    """Loads the text as `config.toml` of the working folder, on top of two good providers unless told otherwise."""

    def loaded(
        text: str, *, base: str = BASE, env: Mapping[str, str] = ENV, overrides: Overrides | None = None
    ) -> Loaded:
        monkeypatch.chdir(tmp_path)
        Path("config.toml").write_text(f"{base}\n{text}", "utf-8")
        return load("config.toml", env, overrides)

    return loaded


@pytest.fixture
def mistakes(load_text: LoadText) -> Mistakes:
    """Every mistake of the text, as told."""

    def told(text: str, **options: object) -> list[str]:
        with pytest.raises(ConfigErrors) as caught:
            load_text(text, **options)
        return [str(error) for error in caught.value.errors]

    return told
