"""Listeners, connections, signals and the way down: everything between the sockets and the ASGI applications."""

from proxy.server.descriptors import too_few
from proxy.server.lifecycle import Build, run, serving
from proxy.server.listener import CannotListen
from proxy.server.protocol import Bounds
from proxy.server.running import App, Running

__all__ = ["App", "Bounds", "Build", "CannotListen", "Running", "run", "serving", "too_few"]
