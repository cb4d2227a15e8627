"""Tokens: the most that an input can be billed for (`bound`), the least that it is (`least`), about how many it is
(`estimated`), exactly how many (`vocabulary`), and either, as the configuration wants it (`counting`)."""

from proxy.tokens.bound import UNBOUND, UNSEEN, worst_input
from proxy.tokens.estimated import estimate
from proxy.tokens.least import at_least
from proxy.tokens.vocabulary import exact, missing_vocabularies

__all__ = ["UNBOUND", "UNSEEN", "at_least", "estimate", "exact", "missing_vocabularies", "worst_input"]
