"""What five providers' answers cost, against invoices worked out by hand from the prices that ship.

Prices are dollars for a million tokens, so a token at 3 dollars is 3,000 nano-dollars. Each line of an invoice is a
number of tokens and the nano-dollars of one.
"""

import orjson
import pytest

from proxy.config.spending import NANOS, Price, Tier
from proxy.pricing.cost import cost
from proxy.pricing.table import shipped
from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile

TABLE = shipped(["anthropic", "openai", "gemini", "xai", "deepseek"])
NOON = 1_795_262_400
"""Of 2026-11-21, UTC."""


def invoice(*lines):
    return sum(tokens * nanos for tokens, nanos in lines)


def usage(dialect, counts, **more):
    """The counts as the provider's answer tells them."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        body = {"id": "1", "model": "m", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"}
        body |= {"type": "message", "role": "assistant", "usage": counts}
    elif dialect is Dialect.GEMINI:
        content = {"role": "model", "parts": [{"text": "a"}]}
        body = {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": counts}
    elif dialect is Dialect.OPENAI_RESPONSES:
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
        body = {"id": "1", "object": "response", "model": "m", "status": "completed", "output": [message]}
        body |= {"usage": counts, **more.pop("body", {})}
    else:
        message = {"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
        body = {"id": "1", "model": "m", "choices": [message], "usage": counts, **more.pop("body", {})}
    return codec(dialect).parse_reply(orjson.dumps(body), Profile(**more)).usage


def price(vendor, model, at=NOON):
    return TABLE.find(vendor, model).at(at)


def test_anthropic_with_reads_and_both_kinds_of_writes():
    """Claude Sonnet 5: input 2, read 0.20, written for five minutes 2.50, for an hour 4, output 10."""
    counts = {
        "input_tokens": 1_000,
        "cache_read_input_tokens": 40_000,
        "cache_creation_input_tokens": 7_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 5_000, "ephemeral_1h_input_tokens": 2_000},
        "output_tokens": 1_500,
        "output_tokens_details": {"thinking_tokens": 900},
    }
    told = usage(Dialect.ANTHROPIC_MESSAGES, counts)
    lines = (1_000, 2_000), (40_000, 200), (5_000, 2_500), (2_000, 4_000), (1_500, 10_000)
    assert cost(price("anthropic", "claude-sonnet-5"), told) == invoice(*lines) == 45_500_000


def test_anthropic_beyond_the_length_where_all_of_it_costs_double():
    """Claude Sonnet 4.5 above 200,000 of input: input 6, read 0.60, output 22.50, of which reads are a part."""
    counts = {"input_tokens": 150_001, "cache_read_input_tokens": 50_000, "output_tokens": 1_000}
    told = usage(Dialect.ANTHROPIC_MESSAGES, counts)
    lines = (150_001, 6_000), (50_000, 600), (1_000, 22_500)
    assert cost(price("anthropic", "claude-sonnet-4-5"), told) == invoice(*lines) == 952_506_000
    below = usage(Dialect.ANTHROPIC_MESSAGES, {**counts, "input_tokens": 150_000})
    lines = (150_000, 3_000), (50_000, 300), (1_000, 15_000)
    assert cost(price("anthropic", "claude-sonnet-4-5"), below) == invoice(*lines) == 480_000_000


def test_openai_with_cached_input_and_reasoning_at_the_price_of_output():
    """GPT-5.6 Sol: input 4, cached 0.40, written 5, output 20; thinking is part of the 2,000."""
    counts = {
        "input_tokens": 10_000,
        "input_tokens_details": {"cached_tokens": 6_000, "cache_write_tokens": 1_000},
        "output_tokens": 2_000,
        "output_tokens_details": {"reasoning_tokens": 1_700},
    }
    told = usage(Dialect.OPENAI_RESPONSES, counts)
    lines = (3_000, 4_000), (6_000, 400), (1_000, 5_000), (2_000, 20_000)
    assert cost(price("openai", "gpt-5.6-sol"), told) == invoice(*lines) == 59_400_000


def test_openai_served_at_another_tier():
    """GPT-4o as priority: input 4.25, cached 2.125, output 17."""
    counts = {"prompt_tokens": 1_000, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 400}}
    told = usage(Dialect.OPENAI_CHAT, counts, body={"service_tier": "priority"})
    lines = (600, 4_250), (400, 2_125), (200, 17_000)
    assert cost(price("openai", "gpt-4o"), told) == invoice(*lines) == 6_800_000
    usual = usage(Dialect.OPENAI_CHAT, counts, body={"service_tier": "default"})
    lines = (600, 2_500), (400, 1_250), (200, 10_000)
    assert cost(price("openai", "gpt-4o"), usual) == invoice(*lines) == 4_000_000


def test_gemini_with_thoughts_cached_input_and_sound():
    """Gemini 2.5 Flash: input 0.30, cached 0.03, sound 1, output 2.50; thoughts stand beside the candidates there."""
    counts = {
        "promptTokenCount": 5_000,
        "cachedContentTokenCount": 1_000,
        "candidatesTokenCount": 300,
        "thoughtsTokenCount": 700,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3_000}, {"modality": "AUDIO", "tokenCount": 2_000}],
    }
    told = usage(Dialect.GEMINI, counts)
    lines = (2_000, 300), (1_000, 30), (2_000, 1_000), (1_000, 2_500)
    assert cost(price("gemini", "gemini-2.5-flash"), told) == invoice(*lines) == 5_130_000


def test_xai_whose_counts_leave_reasoning_out():
    """Grok 4.5: input 2, cached 0.30, output 6; 500 of reasoning come on top of the 100 that it calls completion."""
    counts = {
        "prompt_tokens": 1_000,
        "prompt_tokens_details": {"cached_tokens": 200},
        "completion_tokens": 100,
        "completion_tokens_details": {"reasoning_tokens": 500},
    }
    told = usage(Dialect.OPENAI_CHAT, counts, output_excludes_reasoning=True)
    assert cost(price("xai", "grok-4.5"), told) == invoice((800, 2_000), (200, 300), (600, 6_000)) == 5_260_000


@pytest.mark.parametrize(("hour", "double"), [(12, 1), (2, 2)])
def test_deepseek_by_the_hour(hour, double):
    """V4 Pro: input 0.66, cached 0.022, output 1.98; all of it double from one to four, and from six to ten."""
    counts = {"prompt_tokens": 10_000, "completion_tokens": 1_000, "prompt_cache_hit_tokens": 4_000}
    told = usage(Dialect.OPENAI_CHAT, counts)
    found = cost(price("deepseek", "deepseek-v4-pro", NOON + (hour - 12) * 3600), told)
    assert found == double * invoice((6_000, 660), (4_000, 22), (1_000, 1_980)) == double * 6_028_000


def test_a_configured_price_with_a_fee_for_each_call_and_a_tier():
    """Input 0.5 and output 1, double above 1,000; half a cent a call."""
    usual = Price(NANOS // 2, NANOS, request=5_000_000)
    longer = Price(NANOS, 2 * NANOS, request=5_000_000)
    own = Price(NANOS // 2, NANOS, request=5_000_000, tiers=(Tier(1_000, longer),))
    short = usage(Dialect.OPENAI_CHAT, {"prompt_tokens": 1_000, "completion_tokens": 10})
    long = usage(Dialect.OPENAI_CHAT, {"prompt_tokens": 1_001, "completion_tokens": 10})
    assert cost(own, short) == cost(usual, short) == invoice((1_000, 500), (10, 1_000)) + 5_000_000
    assert cost(own, long) == invoice((1_001, 1_000), (10, 2_000)) + 5_000_000
