"""What every test shares."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests run on asyncio with uvloop, as the server does."""
    return ("asyncio", {"use_uvloop": True})
