"""The official Python clients, driven over pipes: a question in each line of JSON that comes in, pieces of text and answers in those that go out."""

import asyncio
import json
import sys

import anthropic
import openai

API_KEY = "client-key"


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def options(target):
    more = {"default_headers": target.get("headers", {})}
    if "retries" in target:
        more["max_retries"] = target["retries"]
    return more


class OpenAi:
    def __init__(self, target):
        self.client = openai.AsyncOpenAI(
            base_url=target["url"], api_key=API_KEY, **options(target)
        )

    async def models(self):
        return [model.id async for model in self.client.models.list()]

    def body(self, ask):
        content = ask["question"]
        if "image" in ask:
            url = f"data:image/png;base64,{ask['image']}"
            content = [
                {"type": "text", "text": content},
                {"type": "image_url", "image_url": {"url": url}},
            ]
        body = {
            "model": ask.get("model", "chimera"),
            "messages": [{"role": "user", "content": content}],
        }
        if ask.get("tool"):
            look = {"name": "look", "parameters": ask["toolSchema"], "strict": True}
            body["tools"] = [{"type": "function", "function": look}]
        if ask.get("schema"):
            place = {"name": "place", "schema": ask["answerSchema"], "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": place}
        if "choices" in ask:
            body["n"] = ask["choices"]
        if "logprobs" in ask:
            body["logprobs"] = ask["logprobs"]
        return body

    async def ask(self, ask, on_text):
        body = self.body(ask)
        completions = self.client.chat.completions
        if not ask.get("streams"):
            return self.answer(await completions.create(**body))
        usage = {"include_usage": True}
        async with completions.stream(**body, stream_options=usage) as stream:
            async for event in stream:
                if event.type == "content.delta" and event.delta:
                    on_text(event.delta)
            return self.answer(await stream.get_final_completion())

    def answer(self, completion):
        choice, usage = completion.choices[0], completion.usage
        logprobs = choice.logprobs.content if choice.logprobs else []
        return {
            "texts": [each.message.content or "" for each in completion.choices],
            "calls": [
                {"name": call.function.name, "input": json.loads(call.function.arguments)}
                for call in choice.message.tool_calls or []
            ],
            "usage": usage
            and {"input": usage.prompt_tokens, "output": usage.completion_tokens},
            "logprobs": [token.logprob for token in logprobs or []],
        }


class Anthropic:
    def __init__(self, target):
        base_url = target["url"].removesuffix("/v1")
        self.client = anthropic.AsyncAnthropic(
            base_url=base_url, api_key=API_KEY, **options(target)
        )

    async def models(self):
        return [model.id async for model in self.client.models.list()]

    def body(self, ask):
        content = ask["question"]
        if "image" in ask:
            source = {"type": "base64", "media_type": "image/png", "data": ask["image"]}
            content = [
                {"type": "text", "text": content},
                {"type": "image", "source": source},
            ]
        body = {
            "model": ask.get("model", "chimera"),
            "max_tokens": 64,
            "messages": [{"role": "user", "content": content}],
        }
        if ask.get("tool"):
            body["tools"] = [{"name": "look", "input_schema": ask["toolSchema"]}]
        if ask.get("schema"):
            body["output_config"] = {
                "format": {"type": "json_schema", "schema": ask["answerSchema"]}
            }
        return body

    async def ask(self, ask, on_text):
        body = self.body(ask)
        if not ask.get("streams"):
            return self.answer(await self.client.messages.create(**body))
        async with self.client.messages.stream(**body) as stream:
            async for text in stream.text_stream:
                on_text(text)
            return self.answer(await stream.get_final_message())

    def answer(self, message):
        blocks, usage = message.content, message.usage
        return {
            "texts": ["".join(block.text for block in blocks if block.type == "text")],
            "calls": [
                {"name": block.name, "input": block.input}
                for block in blocks
                if block.type == "tool_use"
            ],
            "usage": {"input": usage.input_tokens, "output": usage.output_tokens},
            "logprobs": [],
        }


KINDS = {"openai": OpenAi, "anthropic": Anthropic}


async def serve(kind, message):
    number, ask = message["number"], message["ask"]
    try:
        client = KINDS[kind](message["target"])
        if ask is None:
            say({"number": number, "models": await client.models()})
            return
        answer = await client.ask(ask, lambda text: say({"number": number, "text": text}))
        say({"number": number, "answer": answer})
    except BaseException as error:
        told = [each.__name__ for each in type(error).__mro__]
        say({"number": number, "error": {"classes": told, "message": str(error)}})


async def main(kind):
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    tasks = {}
    while line := await reader.readline():
        message = json.loads(line)
        number = message["number"]
        if message["type"] == "abort":
            tasks[number].cancel()
        else:
            tasks[number] = asyncio.create_task(serve(kind, message))


asyncio.run(main(sys.argv[1]))
