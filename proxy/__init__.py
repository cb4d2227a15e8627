"""Sidestep: a failover proxy for LLM clients. `proxy.app` shows a request's whole way."""

__version__ = "0.1.0"
