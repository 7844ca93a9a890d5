"""LiteLLM's package as a client of the gateway, as aider and others use it; run by ../python-litellm.test.mjs."""

import asyncio
import json
import os
import unittest
import urllib.request

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402
from pydantic import BaseModel  # noqa: E402

URL = os.environ["TOLLGATE_URL"]
MASTER = os.environ["TOLLGATE_KEY"]
MODELS = json.loads(os.environ["TOLLGATE_MODELS"])
SAYS = [{"role": "user", "content": "one two three"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}

litellm.telemetry = False
litellm.suppress_debug_info = True


def own(model, key=MASTER, **options):
    """A model of the gateway's, as a client names it: by the protocol that it speaks."""
    return {"model": f"openai/{model}", "api_base": f"{URL}/v1", "api_key": key, "num_retries": 0, "max_retries": 0, **options}


class City(BaseModel):
    name: str
    rank: int
    big: bool


class LiteLlm(unittest.TestCase):
    def for_each_dialect(self, check):
        for provider, model in MODELS.items():
            with self.subTest(provider):
                check(model)

    def test_completion(self):
        def check(model):
            answer = litellm.completion(**own(model), messages=SAYS, temperature=0)
            self.assertEqual(answer.choices[0].message.content, "You said: one two three")
            self.assertEqual((answer.choices[0].finish_reason, answer.usage.total_tokens), ("stop", 12))

        self.for_each_dialect(check)

    def test_the_provider_for_proxies(self):
        for model in ["house", MODELS["anthropic"]]:
            answer = litellm.completion(
                model=f"litellm_proxy/{model}", api_base=URL, api_key=MASTER, messages=SAYS, num_retries=0
            )
            self.assertEqual(answer.choices[0].message.content, "You said: one two three")

    def test_a_stream_with_usage(self):
        def check(model):
            stream = litellm.completion(**own(model), messages=SAYS, stream=True, stream_options={"include_usage": True})
            chunks = list(stream)
            self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), "You said: one two three")
            whole = litellm.stream_chunk_builder(chunks, messages=SAYS)
            self.assertEqual((whole.usage.prompt_tokens, whole.usage.completion_tokens), (7, 5))

        self.for_each_dialect(check)

    def test_asynchronous_calls(self):
        async def both(model):
            whole = litellm.acompletion(**own(model), messages=SAYS)
            stream = await litellm.acompletion(**own(model), messages=SAYS, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return (await whole).choices[0].message.content, "".join(pieces)

        # One event loop: its HTTP client is kept from call to call.
        async def all_of():
            return [await both(model) for model in MODELS.values()]

        self.assertEqual(asyncio.run(all_of()), [("You said: one two three",) * 2] * len(MODELS))

    def test_tools(self):
        def check(model):
            answer = litellm.completion(**own(model), messages=SAYS, tools=[WEATHER]).choices[0]
            self.assertEqual(answer.finish_reason, "tool_calls")
            (call,) = answer.message.tool_calls
            self.assertEqual(json.loads(call.function.arguments), {"city": "Zürich", "days": 3})
            turns = [*SAYS, answer.message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
            second = litellm.completion(**own(model), messages=turns, tools=[WEATHER])
            self.assertEqual(second.choices[0].message.content, "The tools said: rain")

        self.for_each_dialect(check)

    def test_structured_output(self):
        def check(model):
            answer = litellm.completion(**own(model), messages=SAYS, response_format=City)
            self.assertEqual(City.model_validate_json(answer.choices[0].message.content), City(name="Zürich", rank=3, big=True))

        self.for_each_dialect(check)

    def test_embedding(self):
        for model in ["openai/text-embedding-3-small", "gemini/gemini-embedding-001"]:
            with self.subTest(model):
                answer = litellm.embedding(**own(model), input=["a", "bc"])
                self.assertEqual(len(answer.data), 2)
                self.assertEqual(answer.data[0]["embedding"][:2], [2 / 128, 4 / 128])

    def test_errors_are_its_own(self):
        def check(model):
            for behaviour, kind in [
                ("limited-7", litellm.RateLimitError),
                ("unauthorized", litellm.AuthenticationError),
                ("context", litellm.BadRequestError),
                ("missing", litellm.NotFoundError),
                ("down", litellm.InternalServerError),
            ]:
                with self.assertRaises(kind, msg=behaviour):
                    litellm.completion(**own(f"{model}--{behaviour}"), messages=SAYS)

        self.for_each_dialect(check)
        # It knows the words of some providers, and looks for no code.
        with self.assertRaises(litellm.ContextWindowExceededError):
            litellm.completion(**own(f"{MODELS['openai']}--context"), messages=SAYS)
        with self.assertRaises(litellm.NotFoundError):
            litellm.completion(**own("hous"), messages=SAYS)
        with self.assertRaises(litellm.AuthenticationError):
            litellm.completion(**own("house", "sk-nobody"), messages=SAYS)

    def test_a_stream_that_breaks_raises(self):
        def check(model):
            for behaviour in ["cut-2", "error-2"]:
                with self.assertRaises(Exception, msg=behaviour):
                    list(litellm.completion(**own(f"{model}--{behaviour}"), messages=SAYS, stream=True))

        self.for_each_dialect(check)

    def test_a_budget_that_ends_is_a_rate_limit(self):
        headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{URL}/key/generate", b'{"max_budget": 0.0005}', headers)
        with urllib.request.urlopen(request) as answer:
            key = json.load(answer)["key"]
        with self.assertRaises(litellm.RateLimitError) as caught:
            for _ in range(20):
                litellm.completion(**own(MODELS["openai"], key), messages=SAYS, max_tokens=5)
        self.assertIn("budget", str(caught.exception).lower())


if __name__ == "__main__":
    unittest.main(verbosity=2)
