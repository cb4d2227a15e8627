"""The page on translation says what the translators do."""

import re

from tests.docs.fields import PAGE, generated
from translators.catalog import DIALECTS, PROVIDERS
from translators.report import Mode, Verdict


def test_the_table_of_fields_is_what_the_reports_say():
    """`make docs` writes it anew."""
    text = PAGE.read_text()
    assert text == generated(text)


def test_every_verdict_and_every_mode_is_told():
    text = PAGE.read_text()
    for word in (*Verdict, *Mode):
        assert re.search(rf"(?m)^\| `{word}` \|", text), word


def test_there_is_a_number_for_every_pair():
    text = PAGE.read_text()
    recorded = text[text.index("<!-- recorded: begin -->") : text.index("<!-- recorded: end -->")]
    numbers = re.findall(r"\d+/\d+ \([\d.]+%\)", recorded)
    assert len(numbers) == len(PROVIDERS) * len(DIALECTS) * 2 + len(PROVIDERS)
