"""Budgets of real processes under real load, small; `make budgets` is the same at full size."""

from tests.budgets import scenes

CENT = 10_000_000


async def test_exactly_what_fits_is_served_of_what_comes_at_once(tmp_path):
    """By the real SDK, each request costing what it reserves."""
    await scenes.exactly(tmp_path, 120, 40)


async def test_processes_on_one_file_never_spend_more_than_the_limit_and_all_of_it(tmp_path):
    await scenes.anything_goes(tmp_path, 10 * CENT, 16, processes=2)


async def test_proxies_on_one_redis_hold_whatever_happens_to_it_and_to_them(tmp_path, redis_server):
    await scenes.many_machines(tmp_path, redis_server, 100 * CENT, 16, proxies=2, rounds=1, steps=40)


async def test_a_process_that_is_killed_under_load_has_recorded_what_it_spent(tmp_path):
    await scenes.killed_often(tmp_path, 1_000 * CENT, 16, kills=2, steps=40)
