"""The live page's files: what ships is served, nothing else is, and the page may ask nobody but this port."""

import re

import pytest
from starlette.requests import Request

from proxy.admin.files import FILES, FOLDER, POLICY, file

LINES = 400


async def asked(path, **headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return await file(Request({"type": "http", "path": path, "headers": pairs}))


def test_every_file_of_the_folder_is_served_and_no_other_is_named():
    assert {name for name, _ in FILES.values()} == {one.name for one in FOLDER.iterdir()}


@pytest.mark.parametrize("path", FILES)
async def test_a_file_is_given_as_it_is_and_to_be_asked_for_again(path):
    name, kind = FILES[path]
    answer = await asked(path)
    assert (answer.status_code, answer.body) == (200, (FOLDER / name).read_bytes())
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (kind, "no-cache")
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await asked(path, if_none_match=answer.headers["etag"])
    assert (again.status_code, again.body) == (304, b"")


async def test_the_policy_lets_nothing_in_from_elsewhere_and_no_script_that_is_not_a_file():
    told = dict(part.split(" ", 1) for part in (await asked("/")).headers["content-security-policy"].split("; "))
    assert told["default-src"] == "'none'"
    assert {told[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert told["frame-ancestors"] == told["base-uri"] == told["form-action"] == "'none'"
    assert (told["require-trusted-types-for"], told["trusted-types"]) == ("'script'", "'none'")
    assert "unsafe" not in POLICY


def test_the_page_names_its_own_files_alone():
    """And has no script, style or handler within it, which the policy would refuse."""
    text = (FOLDER / "index.html").read_text("utf-8")
    assert set(re.findall(r'(?:src|href)="([^"]+)"', text)) == FILES.keys() - {"/"}, (
        "named here, all are asked for at once"
    )
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", text)


@pytest.mark.parametrize("path", [one for one in FOLDER.iterdir() if one.suffix == ".js"], ids=lambda path: path.name)
def test_a_script_makes_no_code_or_markup_of_text_and_can_be_read_at_a_sitting(path):
    text = path.read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|localStorage", text
    )
    assert {f"/page/{name}" for name in re.findall(r'from "\./([\w.]+)"', text)} <= FILES.keys()
    assert len(text.splitlines()) <= LINES


def test_every_kind_of_outcome_has_its_words():
    from proxy.resilience.window import OK
    from translators.faults import Kind

    [table] = re.findall(r"KINDS = \{(.*?)\};", (FOLDER / "words.js").read_text("utf-8"), re.DOTALL)
    assert set(re.findall(r"(?m)^  (\w+):", table)) == {OK, *Kind}
