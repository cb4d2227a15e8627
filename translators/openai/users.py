"""The ids by which a caller tells its own users apart, as OpenAI takes them."""

import hashlib

from translators.ir import Json
from translators.report import Report

USER_MAX = 128
"""Characters of a user's id that OpenAI takes; a longer one is sent as its hash."""


def short_users(body: dict[str, Json], report: Report) -> None:
    for name in ("user", "safety_identifier"):
        said = body.get(name)
        if said and len(said) > USER_MAX:
            body[name] = hashlib.sha256(said.encode()).hexdigest()
            report.approximated(name, "sent as a hash")
