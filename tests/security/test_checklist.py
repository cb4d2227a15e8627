"""What the data port promises of HTTP, of overload and of rude peers, sentence by sentence, and the tests that hold it.

A test that is renamed or removed has to be replaced here, so that no promise loses its proof unseen.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
EDGE, SERVER, UPSTREAM = "unit/proxy/edge", "unit/proxy/server", "unit/proxy/upstream"
SMUGGLING = "security/test_smuggling.py"
RUDE = "e2e/test_rude_clients.py"

PROMISES = {
    "a head has 16 KiB and 64 fields at most": [
        f"{SERVER}/test_protocol.py::test_a_head_of_64_fields_is_served_and_one_of_65_refused",
        f"{SERVER}/test_protocol.py::test_the_bound_on_a_head_is_the_same_however_it_comes",
        f"{SERVER}/test_protocol.py::test_an_endless_head_is_cut_off",
    ],
    "a head comes in 10 s": [
        f"{SERVER}/test_protocol.py::test_a_head_that_drips_is_timed_out",
        f"{SERVER}/test_protocol.py::test_a_head_that_drips_on_a_kept_connection_is_timed_out",
        f"{SERVER}/test_protocol.py::test_a_connection_that_never_says_anything_is_closed_silently",
        f"{RUDE}::test_heads_that_drip_are_told_so_and_hold_up_nobody",
    ],
    "pipelining ends the connection, and mixes no answers": [
        f"{SERVER}/test_protocol.py::test_after_a_pipelined_request_the_first_is_answered_and_the_connection_closed",
        f"{SERVER}/test_protocol.py::test_a_pipelined_request_does_not_hide_that_the_client_left",
        f"{SMUGGLING}::test_what_follows_a_request_before_its_answer_is_not_served",
        f"{RUDE}::test_requests_in_a_row_never_get_each_others_answers",
    ],
    "a body's pieces come within 10 s, and the whole within 30 s": [
        f"{EDGE}/test_client.py::test_a_body_that_stops_coming_is_refused",
        f"{EDGE}/test_client.py::test_a_body_that_drips_is_refused_when_its_time_is_up",
        f"{RUDE}::test_bodies_that_drip_or_stop_are_told_so",
    ],
    "a reader that stops is cut off, and its call with it": [
        f"{SERVER}/test_protocol.py::test_a_reader_that_stops_is_cut_off",
        f"{SERVER}/test_protocol.py::test_an_answer_that_moves_is_waited_for",
        f"{RUDE}::test_readers_that_stop_reading_are_cut_off_and_take_their_calls_along",
    ],
    "a slow client slows the provider, for nothing is queued between them": [
        "e2e/test_passthrough_rude.py::test_a_slow_client_slows_the_upstream_and_gets_every_byte",
        f"{UPSTREAM}/test_engine_answers.py::test_a_reader_that_stops_stops_the_sender",
    ],
    "who leaves, in whatever window, leaves nothing": [
        f"{EDGE}/test_client.py::test_a_client_that_leaves_cancels_its_exchange",
        f"{EDGE}/test_client.py::test_a_half_closed_connection_counts_as_left",
        "e2e/test_leaving.py::test_a_client_that_leaves_takes_its_upstream_call_with_it",
        f"{RUDE}::test_a_half_closed_client_has_left",
        f"{RUDE}::test_a_flood_of_clients_that_leave_in_every_window_leaves_nothing",
    ],
    "so many are served, so many wait, so long; the others are shed and may try again": [
        "unit/proxy/filters/test_admission.py::test_as_many_as_allowed_are_inside",
        "unit/proxy/filters/test_admission.py::test_beyond_the_queue_is_shed_at_once_and_may_be_tried_again",
        "unit/proxy/filters/test_admission.py::test_who_waits_too_long_is_shed_and_takes_no_place",
    ],
    "a body has its bound, and all of them together": [
        f"{EDGE}/test_client.py::test_a_declared_length_over_the_limit_is_refused_before_it_is_sent",
        f"{EDGE}/test_client.py::test_a_chunked_body_over_the_limit_is_refused_while_it_comes",
        f"{EDGE}/test_client.py::test_a_body_at_the_limit_is_served",
        f"{EDGE}/test_client.py::test_bodies_that_do_not_fit_in_memory_together_are_shed",
        f"{RUDE}::test_giant_bodies_are_refused_by_what_they_say_or_by_what_they_are",
    ],
    "a length that lies makes no second request": [
        f"{RUDE}::test_a_body_that_ends_before_its_length_is_nobodys_request",
        f"{RUDE}::test_a_body_that_goes_on_after_its_length_is_no_second_request",
    ],
    "a conversation has 4,096 messages at most, and no more of anything than memory and time allow": [
        "unit/proxy/test_crowds.py::test_more_than_time_allows_is_refused_before_it_is_parsed",
        "unit/proxy/test_crowds.py::test_more_items_than_time_allows_are_refused_by_their_field",
        "unit/translators/openai_chat/test_envelope.py::test_a_bad_envelope_names_its_field",
        "e2e/test_bad_input.py::test_a_body_of_too_many_values_is_refused_before_it_is_parsed",
        "e2e/test_bad_input.py::test_a_bad_body_is_told_with_its_field_and_costs_no_upstream_call",
    ],
    "an event has 1 MiB at most, and an answer its bound": [
        "unit/translators/test_sse.py::test_the_limit_is_the_same_whatever_the_chunking",
        "unit/translators/test_sse.py::test_an_event_that_never_ends_is_refused_before_memory_is_gone",
        f"{UPSTREAM}/test_engine_answers.py::test_a_body_over_the_limit_is_too_large_and_closes_the_connection",
        "unit/translators/test_fold.py::test_an_answer_over_its_limit_is_a_fault_when_it_is_passed_whatever_it_is_made_of",
    ],
    "headers are built, never forwarded, both ways": [
        f"{UPSTREAM}/test_hygiene.py::test_nothing_of_the_clients_goes_on_but_its_idempotency_key",
        f"{UPSTREAM}/test_hygiene.py::test_no_configuration_can_change_how_the_message_is_framed",
        f"{UPSTREAM}/test_hygiene.py::test_limits_pass_back_under_the_upstreams_name_and_the_rest_stays_behind",
    ],
    "one Host, HTTP/1.1, one way to say where the body ends, a path, no underscores": [
        f"{EDGE}/test_hygiene.py::test_a_field_that_decides_something_may_not_be_repeated",
        f"{EDGE}/test_hygiene.py::test_names_with_underscores_are_refused",
        f"{SERVER}/test_protocol.py::test_other_versions_are_refused",
        f"{EDGE}/test_ingress.py::test_after_a_head_that_may_be_read_in_two_ways_nothing_more_is_read",
        f"{SMUGGLING}::test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed",
        f"{SMUGGLING}::test_a_refusal_does_not_depend_on_how_the_bytes_come",
        "security/test_boundaries.py::test_no_mixture_of_fields_and_bodies_is_served_that_another_reads_otherwise",
    ],
    "an offered upgrade is not taken up, and a 100 is said where a body is wanted": [
        f"{SERVER}/test_protocol.py::test_an_offered_upgrade_is_not_followed",
        f"{EDGE}/test_client.py::test_expect_100_continue_is_answered_before_the_body_comes",
        f"{RUDE}::test_a_refused_request_is_not_told_to_send_its_body",
    ],
    "a route is its exact path, and a missing /v1 is told": [
        f"{EDGE}/test_routes.py::test_any_other_path_is_an_unknown_url",
        f"{EDGE}/test_routes.py::test_a_path_without_v1_is_told_what_is_missing",
        f"{EDGE}/test_passing.py::test_nothing_else_does",
    ],
    "no web page may read, and no cookie is set": [
        "security/test_web_pages.py::test_no_web_page_is_told_that_it_may_read_and_no_cookie_is_set",
    ],
    "towards providers: no proxy of the environment, own certificates, no redirect, verified": [
        f"{UPSTREAM}/test_engine_failures.py::test_proxies_named_in_the_environment_are_ignored",
        f"{UPSTREAM}/test_engine_answers.py::test_a_redirect_is_returned_and_not_followed",
        f"{UPSTREAM}/test_tls.py::test_a_context_verifies_certificate_and_name",
        f"{UPSTREAM}/test_tls.py::test_own_certificates_are_trusted_beside_the_systems",
        f"{UPSTREAM}/test_hygiene.py::test_a_request_is_built_from_what_every_call_needs",
    ],
    "destinations come from the configuration alone, and over TLS": [
        "unit/proxy/config/test_addresses.py::test_other_destinations_are_refused_without_repeating_what_may_be_secret",
        "security/test_addresses.py::test_an_address_in_any_field_of_a_body_leads_nowhere",
    ],
}


@cache
def functions(path: Path) -> frozenset[str]:
    return frozenset(
        one.name
        for one in ast.walk(ast.parse(path.read_text()))
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_its_proof(promise):
    missing = []
    for proof in PROMISES[promise]:
        file, _, name = proof.partition("::")
        if not (TESTS / file).is_file() or name not in functions(TESTS / file):
            missing.append(proof)
    assert missing == []
