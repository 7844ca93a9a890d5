"""LangChain for Python talks to three dialects through the gateway; run by ../python-clients.test.mjs."""

import asyncio
import json
import os
import unittest
import urllib.request

import openai
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

URL = os.environ["TOLLGATE_URL"]
MASTER = os.environ["TOLLGATE_KEY"]
MODELS = json.loads(os.environ["TOLLGATE_MODELS"])


def chat(model, key=MASTER, **options):
    return ChatOpenAI(model=model, base_url=f"{URL}/v1", api_key=key, max_retries=0, **options)


class City(BaseModel):
    """A city."""

    name: str
    rank: int
    big: bool


@tool
def get_weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"rain in {city}"


class LangChain(unittest.TestCase):
    def for_each_dialect(self, check):
        for provider, model in MODELS.items():
            with self.subTest(provider):
                check(model)

    def test_invoke(self):
        def check(model):
            answer = chat(model).invoke([SystemMessage("Be brief."), HumanMessage("one two")])
            self.assertEqual(answer.content, "You said: one two")
            self.assertEqual(answer.usage_metadata["total_tokens"], 11)
            self.assertEqual(answer.response_metadata["finish_reason"], "stop")

        self.for_each_dialect(check)

    def test_stream(self):
        def check(model):
            chunks = list(chat(model, stream_usage=True).stream("one two three"))
            self.assertEqual("".join(chunk.content for chunk in chunks), "You said: one two three")
            whole = chunks[0]
            for chunk in chunks[1:]:
                whole += chunk
            self.assertEqual(whole.usage_metadata["input_tokens"], 7)

        self.for_each_dialect(check)

    def test_asynchronous_calls_at_once(self):
        # One event loop: its HTTP client is kept from call to call.
        async def all_of():
            calls = (chat(model).ainvoke(f"number {index}") for model in MODELS.values() for index in range(8))
            return [answer.content for answer in await asyncio.gather(*calls)]

        self.assertEqual(asyncio.run(all_of()), [f"You said: number {index}" for index in range(8)] * len(MODELS))

    def test_a_tool_is_called_and_its_result_goes_back(self):
        def check(model):
            bound = chat(model).bind_tools([get_weather])
            asked = HumanMessage("Weather?")
            answer = bound.invoke([asked])
            self.assertIsInstance(answer, AIMessage)
            (call,) = answer.tool_calls
            self.assertEqual((call["name"], call["args"]), ("get_weather", {"city": "Zürich", "days": 3}))
            result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
            self.assertEqual(bound.invoke([asked, answer, result]).content, "The tools said: rain in Zürich")

        self.for_each_dialect(check)

    def test_a_streamed_tool_call(self):
        def check(model):
            whole = None
            for chunk in chat(model).bind_tools([get_weather]).stream("Weather?"):
                whole = chunk if whole is None else whole + chunk
            self.assertEqual([call["args"] for call in whole.tool_calls], [{"city": "Zürich", "days": 3}])

        self.for_each_dialect(check)

    def test_structured_output_by_schema_and_by_function(self):
        def check(model):
            for method in ["json_schema", "function_calling"]:
                city = chat(model).with_structured_output(City, method=method).invoke("A city.")
                self.assertEqual(city, City(name="Zürich", rank=3, big=True), method)

        self.for_each_dialect(check)

    def test_embeddings(self):
        for model in ["openai/text-embedding-3-small", "gemini/gemini-embedding-001"]:
            with self.subTest(model):
                # Its own count of tokens needs a download.
                options = {"check_embedding_ctx_length": False, "dimensions": 2}
                embeddings = OpenAIEmbeddings(model=model, base_url=f"{URL}/v1", api_key=MASTER, **options)
                self.assertEqual(embeddings.embed_documents(["a", "bc"]), [[2 / 128, 4 / 128], [3 / 128, 6 / 128]])

    def test_errors(self):
        def check(model):
            for behaviour, kind in [
                ("limited-7", openai.RateLimitError),
                ("unauthorized", openai.AuthenticationError),
                ("context", openai.BadRequestError),
                ("down", openai.InternalServerError),
            ]:
                with self.assertRaises(kind):
                    chat(f"{model}--{behaviour}").invoke("one")
            with self.assertRaises(openai.APIError):
                list(chat(f"{model}--cut-2").stream("one two three"))

        self.for_each_dialect(check)

    def test_a_budget_that_ends(self):
        headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{URL}/key/generate", b'{"max_budget": 0.0005}', headers)
        with urllib.request.urlopen(request) as answer:
            key = json.load(answer)["key"]
        with self.assertRaises(openai.RateLimitError) as caught:
            for _ in range(20):
                chat(MODELS["openai"], key, max_tokens=5).invoke("one")
        self.assertEqual(caught.exception.code, "budget_exceeded")


if __name__ == "__main__":
    unittest.main(verbosity=2)
