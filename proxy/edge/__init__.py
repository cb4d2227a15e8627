"""The client's side of the data port: raw ASGI in, an Exchange for the services, bounded reads and writes.

`ingress` is the application, `client` one client's side of one exchange, `routes` and `hygiene` the pure decisions.
"""

from proxy.edge.client import Connection
from proxy.edge.ingress import CONNECTION, Edge, Shift
from proxy.edge.passing import Passing

__all__ = ["CONNECTION", "Connection", "Edge", "Passing", "Shift"]
