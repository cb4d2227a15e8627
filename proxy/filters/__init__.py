"""Filters around the chain, one concern a file; `proxy.app` writes their order and its reasons."""
