"""instructor: what it wants is a forced tool or a schema, and a model of pydantic's comes back, failover or not."""

import openai
import pytest
from pydantic import BaseModel

from proxy.drill import script

instructor = pytest.importorskip("instructor", reason="instructor is missing (make test-frameworks)")


class Person(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("mode", ["TOOLS", "JSON_SCHEMA"])
async def test_a_model_comes_back_before_and_after_a_failover(matrix, pair, mode):
    model, first, second = pair
    async with openai.AsyncOpenAI(base_url=matrix.url, api_key="unused", max_retries=0) as plain:
        client = instructor.from_openai(plain, mode=instructor.Mode[mode])
        for asked in (first, second):
            person = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "who?"}], response_model=Person, max_retries=0
            )
            assert isinstance(person, Person)
            assert matrix.calls()[asked.name] == 1
            first.script = script.status(503)
