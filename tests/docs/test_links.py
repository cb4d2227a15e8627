"""Links lead to a heading that exists; that their files do is for tests/structure to say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+?)\s*$", text)
    }


def test_every_link_to_a_heading_finds_it():
    links = {
        (page, target, anchor)
        for page in PAGES
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)]+)\)", page.read_text("utf-8"))
    }
    assert len(links) > 3
    broken = {
        f"{page.name}: {target}#{anchor}"
        for page, target, anchor in links
        if anchor not in anchors((page.parent / target) if target else page)
    }
    assert broken == set()


def test_the_readme_leads_to_every_document():
    """A page that nobody finds is not kept true."""
    linked = set(re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text("utf-8")))
    assert linked == {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
