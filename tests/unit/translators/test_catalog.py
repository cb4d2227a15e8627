"""Every dialect has its codec, and every codec the names it must have."""

import pytest

from translators.catalog import codec
from translators.codec import Codec
from translators.ir import Dialect

NAMES = [name for name in vars(Codec) if not name.startswith("_")] + list(Codec.__annotations__)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_dialect_has_a_codec_of_its_own(dialect):
    assert codec(dialect).dialect is dialect


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_codec_lacks_none_of_the_names(dialect):
    assert [name for name in NAMES if not hasattr(codec(dialect), name)] == []
