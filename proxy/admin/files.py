"""The live page's files: a page, its style and its scripts, as they ship. They hold nothing that is secret.

The page may load and ask nothing but this port, run no script but these files, and be framed by nobody.
"""

import asyncio
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER_PATH: Final = "/page/"
FOLDER: Final = Path(__file__).parent / "page"
FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    f"{FOLDER_PATH}page.css": ("page.css", "text/css; charset=utf-8"),
    f"{FOLDER_PATH}icon.svg": ("icon.svg", "image/svg+xml"),
    **{
        f"{FOLDER_PATH}{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in (
            "page",
            "budgets",
            "charts",
            "dom",
            "draw",
            "models",
            "requests",
            "strategy",
            "stream",
            "targets",
            "words",
        )
    },
}
"""By path: the file and its type."""
POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        *(f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors", "trusted-types")),
        "require-trusted-types-for 'script'",
    ]
)


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (FOLDER / name).read_bytes()
    return body, f'"{sha256(body).hexdigest()[:16]}"'


async def file(request: Request) -> Response:
    """The file at the request's path, one of `FILES`."""
    name, kind = FILES[request.scope["path"]]
    body, tag = await asyncio.to_thread(_read, name)
    headers = {
        "content-type": kind,
        "cache-control": "no-cache",
        "content-security-policy": POLICY,
        "etag": tag,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)
