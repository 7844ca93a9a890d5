"""The official SDK for Python with virtual keys, its async client and the headers of answers; run by ../python.test.mjs."""

import asyncio
import json
import os
import unittest
import urllib.request

import openai

URL = os.environ["TOLLGATE_URL"]
MASTER = os.environ["TOLLGATE_KEY"]
MODELS = json.loads(os.environ["TOLLGATE_MODELS"])
SAYS = [{"role": "user", "content": "one two three"}]


def generate(**limits):
    headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URL}/key/generate", json.dumps(limits).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["key"]


def client_of(key, kind=openai.OpenAI):
    return kind(base_url=f"{URL}/v1", api_key=key, max_retries=0)


class Keys(unittest.TestCase):
    def test_a_key_calls_and_hears_what_it_has_spent(self):
        client = client_of(generate(max_budget=1))
        raw = client.chat.completions.with_raw_response.create(model=MODELS["openai"], messages=SAYS)
        self.assertEqual(raw.parse().choices[0].message.content, "You said: one two three")
        # The answer's own cost, in USD: 7 tokens at 2.5 and 5 at 10 for a million.
        self.assertAlmostEqual(float(raw.headers["x-litellm-response-cost"]), 7 * 2.5e-6 + 5 * 10e-6)
        self.assertEqual(float(raw.headers["x-litellm-key-max-budget"]), 1)
        self.assertTrue(raw.headers["x-litellm-call-id"])

    def test_a_streams_cost_is_in_its_usage(self):
        client = client_of(generate(max_budget=1))
        for model in MODELS.values():
            options = {"include_usage": True}
            stream = client.chat.completions.create(model=model, messages=SAYS, stream=True, stream_options=options)
            self.assertGreater(list(stream)[-1].usage.cost, 0)

    def test_a_budget_that_ends_is_a_rate_limit_error(self):
        client = client_of(generate(max_budget=0.0005))
        with self.assertRaises(openai.RateLimitError) as caught:
            for _ in range(20):
                client.chat.completions.create(model=MODELS["openai"], messages=SAYS, max_tokens=5)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (429, "budget_exceeded"))
        self.assertIn("budget", caught.exception.message.lower())

    def test_a_key_that_nobody_made(self):
        with self.assertRaises(openai.AuthenticationError):
            client_of("sk-nobody").chat.completions.create(model="house", messages=SAYS)

    def test_a_model_that_the_key_may_not_use(self):
        client = client_of(generate(models=["house"]))
        self.assertTrue(client.chat.completions.create(model="house", messages=SAYS).id)
        with self.assertRaises(openai.PermissionDeniedError):
            client.chat.completions.create(model=MODELS["anthropic"], messages=SAYS)

    def test_requests_beyond_a_limit(self):
        client = client_of(generate(rpm_limit=1))
        client.chat.completions.create(model="house", messages=SAYS)
        with self.assertRaises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="house", messages=SAYS)
        self.assertGreater(int(caught.exception.response.headers["retry-after"]), 0)

    def test_the_async_client(self):
        async def both():
            async with client_of(generate(max_budget=1), openai.AsyncOpenAI) as client:
                whole = client.chat.completions.create(model=MODELS["anthropic"], messages=SAYS)
                stream = await client.chat.completions.create(model=MODELS["gemini"], messages=SAYS, stream=True)
                pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
                return (await whole).choices[0].message.content, "".join(pieces)

        self.assertEqual(asyncio.run(both()), ("You said: one two three",) * 2)

    def test_arrays_of_tokens_are_embedded(self):
        client = client_of(MASTER)
        answer = client.embeddings.create(model="openai/text-embedding-3-small", input=[[1, 2, 3], [4]])
        self.assertEqual(len(answer.data), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
