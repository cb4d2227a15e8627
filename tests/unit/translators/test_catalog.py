"""Every dialect has its codec, and every codec the names it must have."""

import pytest

from translators.catalog import DIALECTS, PROVIDERS, codec
from translators.codec import Codec
from translators.ir import Dialect

NAMES = [name for name in vars(Codec) if not name.startswith("_")] + list(Codec.__annotations__)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_a_codec_of_its_own(dialect):
    assert codec(dialect).dialect is dialect


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_codec_lacks_none_of_the_names(dialect):
    assert [name for name in NAMES if not hasattr(codec(dialect), name)] == []


def test_nobody_is_configured_to_speak_legacy_completions_alone():
    assert set(DIALECTS) - set(PROVIDERS) == {Dialect.OPENAI_COMPLETIONS}
