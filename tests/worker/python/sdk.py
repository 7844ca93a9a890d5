"""The official SDK for Python talks to three dialects through the gateway; run by ../python.test.mjs."""

import asyncio
import json
import os
import sys
import unittest

import openai
from pydantic import BaseModel

URL = os.environ["TOLLGATE_URL"] + "/v1"
KEY = os.environ["TOLLGATE_KEY"]
MODELS = json.loads(os.environ["TOLLGATE_MODELS"])
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
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

client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0)
create = client.chat.completions.create


def says(content):
    return [{"role": "user", "content": content}]


def text_of(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def left(model):
    """Says that the client has left, and answers whether the upstream's connection closed within a second."""
    print(f"left {model}", flush=True)
    return sys.stdin.readline().strip()


class City(BaseModel):
    name: str
    rank: int
    big: bool


class Sdk(unittest.TestCase):
    def for_each_dialect(self, check):
        for provider, model in MODELS.items():
            with self.subTest(provider):
                check(model)

    def test_a_whole_answer(self):
        def check(model):
            raw = client.chat.completions.with_raw_response.create(model=model, messages=says("Grüezi 🙂"))
            answer = raw.parse()
            self.assertEqual(answer.choices[0].message.content, "You said: Grüezi 🙂")
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            self.assertEqual((answer.usage.prompt_tokens, answer.usage.total_tokens), (7, 11))
            self.assertEqual(raw.headers["x-litellm-model-group"], model)

        self.for_each_dialect(check)

    def test_a_stream_with_and_without_usage(self):
        def check(model):
            chunks = list(create(model=model, messages=says("a b 🙂"), stream=True))
            self.assertEqual(text_of(chunks), "You said: a b 🙂")
            self.assertEqual([chunk for chunk in chunks if chunk.usage], [])
            finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
            self.assertEqual(finishes, ["stop"])
            options = {"include_usage": True}
            chunks = list(create(model=model, messages=says("a b"), stream=True, stream_options=options))
            self.assertEqual((chunks[-1].choices, chunks[-1].usage.total_tokens), ([], 11))

        self.for_each_dialect(check)

    def test_a_tool_is_called_and_its_result_comes_back(self):
        def check(model):
            messages = says("Weather?")
            answer = create(model=model, messages=messages, tools=[WEATHER]).choices[0]
            self.assertEqual(answer.finish_reason, "tool_calls")
            (call,) = answer.message.tool_calls
            self.assertEqual(json.loads(call.function.arguments), {"city": "Zürich", "days": 3})
            turns = [*messages, answer.message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
            second = create(model=model, messages=turns, tools=[WEATHER])
            self.assertEqual(second.choices[0].message.content, "The tools said: rain")

        self.for_each_dialect(check)

    def test_streamed_arguments_are_put_together(self):
        def check(model):
            with client.chat.completions.stream(model=model, messages=says("Weather?"), tools=[WEATHER]) as stream:
                message = stream.get_final_completion().choices[0].message
            self.assertEqual(json.loads(message.tool_calls[0].function.arguments), {"city": "Zürich", "days": 3})
            self.assertEqual(message.content, "I look.")

        self.for_each_dialect(check)

    def test_structured_output_is_parsed(self):
        def check(model):
            answer = client.chat.completions.parse(model=model, messages=says("A city."), response_format=City)
            self.assertEqual(answer.choices[0].message.parsed, City(name="Zürich", rank=3, big=True))

        self.for_each_dialect(check)

    def test_a_picture_is_seen(self):
        def check(model):
            url = {"url": f"data:image/png;base64,{PNG}"}
            content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": url}]
            answer = create(model=model, messages=says(content))
            self.assertEqual(answer.choices[0].message.content, "I see image/png of 70 bytes")

        self.for_each_dialect(check)

    def test_embeddings(self):
        for model in ["openai/text-embedding-3-small", "gemini/gemini-embedding-001"]:
            with self.subTest(model):
                many = client.embeddings.create(model=model, input=["a", "bc"], dimensions=2)
                self.assertEqual([list(one.embedding) for one in many.data], [[2 / 128, 4 / 128], [3 / 128, 6 / 128]])

    def test_models(self):
        self.assertEqual([model.id for model in client.models.list()], ["house"])
        self.assertEqual(client.models.retrieve("house").id, "house")

    def test_errors_have_the_classes_of_the_sdk(self):
        def check(model):
            for behaviour, kind, code in [
                ("limited-7", openai.RateLimitError, None),
                ("unauthorized", openai.AuthenticationError, None),
                ("context", openai.BadRequestError, "context_length_exceeded"),
                ("missing", openai.NotFoundError, None),
                ("down", openai.InternalServerError, None),
            ]:
                with self.assertRaises(kind) as caught:
                    create(model=f"{model}--{behaviour}", messages=says("a"))
                if code:
                    self.assertEqual(caught.exception.code, code)
                if behaviour == "limited-7":
                    self.assertEqual(caught.exception.response.headers["retry-after"], "7")

        self.for_each_dialect(check)
        with self.assertRaises(openai.NotFoundError) as caught:
            create(model="hous", messages=says("a"))
        self.assertEqual((caught.exception.code, caught.exception.param), ("model_not_found", "model"))

    def test_a_stream_that_breaks_raises(self):
        def check(model):
            for behaviour in ["cut-2", "end-2", "error-2"]:
                with self.assertRaises(openai.APIError):
                    list(create(model=f"{model}--{behaviour}", messages=says("a b"), stream=True))

        self.for_each_dialect(check)

    def test_a_time_out_closes_the_upstream(self):
        def check(model):
            silent = f"{model}--silent--python"
            with self.assertRaises(openai.APITimeoutError):
                create(model=silent, messages=says("a"), timeout=0.3)
            self.assertEqual(left(silent), "closed")

        self.for_each_dialect(check)

    def test_leaving_a_stream_closes_the_upstream(self):
        def check(model):
            holding = f"{model}--hold-1--python"
            stream = create(model=holding, messages=says("a"), stream=True)
            for chunk in stream:
                if text_of([chunk]):
                    break
            stream.close()
            self.assertEqual(left(holding), "closed")

        self.for_each_dialect(check)

    def test_fifty_streams_at_once(self):
        async def one(gateway, model, index):
            stream = await gateway.chat.completions.create(model=model, messages=says(f"number {index}"), stream=True)
            return text_of([chunk async for chunk in stream])

        async def all_of(model):
            async with openai.AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0) as gateway:
                return await asyncio.gather(*(one(gateway, model, index) for index in range(50)))

        def check(model):
            texts = asyncio.run(all_of(f"{model}--barrier-50--python"))
            self.assertEqual(texts, [f"You said: number {index}" for index in range(50)])

        self.for_each_dialect(check)


if __name__ == "__main__":
    unittest.main(verbosity=2)
