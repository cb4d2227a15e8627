"""One small request for everything a client can say, in its own words: what the table of fields is made of."""

from translators.ir import Dialect

PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQ="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
LOOSE = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}


def chat_tool(**more):
    return {"type": "function", "function": {"name": "f", "parameters": SCHEMA, **more}}


def said(content, **more):
    return {"messages": [{"role": "user", "content": content, **more}]}


def chat_turns(*turns):
    return {"messages": [{"role": "user", "content": "hi"}, *turns]}


CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c 1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}

CHAT = {
    "leading `system`, `developer`": {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
    },
    "`system` in mid-conversation": chat_turns(
        {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}, {"role": "system", "content": "s"}
    ),
    "`name` of a message": said("hi", name="ann"),
    "assistant's message at the end": chat_turns({"role": "assistant", "content": "a"}),
    "`image_url` as data": said([PICTURE]),
    "`image_url` by address": said([{"type": "image_url", "image_url": {"url": "https://a.test/a.png"}}]),
    "`image_url.detail`": said([{"type": "image_url", "image_url": {**PICTURE["image_url"], "detail": "low"}}]),
    "`file` as data (PDF)": said(
        [{"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}]
    ),
    "`file_id`": said([{"type": "file", "file": {"file_id": "file-1"}}]),
    "`input_audio`": said([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]),
    "`refusal` in the history": chat_turns({"role": "assistant", "refusal": "no"}, {"role": "user", "content": "b"}),
    "`tool_calls` and results": chat_turns(CALLED, {"role": "tool", "tool_call_id": "c 1", "content": "r"}),
    "`tool_calls` whose arguments are no object": chat_turns(
        {**CALLED, "tool_calls": [{**CALLED["tool_calls"][0], "function": {"name": "f", "arguments": "[1]"}}]},
        {"role": "tool", "tool_call_id": "c 1", "content": "r"},
    ),
    "a call without its result": chat_turns(CALLED, {"role": "user", "content": "b"}),
    "reasoning of another provider": chat_turns(
        {
            "role": "assistant",
            "content": "a",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "t", "signature": "s", "index": 0, "origin": "elsewhere"}
            ],
        },
        {"role": "user", "content": "b"},
    ),
    "`cache_control` of a part": said([{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]),
    "`prompt_cache_breakpoint` of a part": said(
        [{"type": "text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}]
    ),
    "`max_completion_tokens`, `max_tokens`": {"max_completion_tokens": 500},
    "`temperature` up to 1": {"temperature": 0.5},
    "`top_p`": {"top_p": 0.5},
    "`presence_penalty`": {"presence_penalty": 1},
    "`frequency_penalty`": {"frequency_penalty": 1},
    "`logit_bias`": {"logit_bias": {"17": 1}},
    "`logprobs`, `top_logprobs`": {"logprobs": True, "top_logprobs": 2},
    "`n`": {"n": 2},
    "`seed`": {"seed": 7},
    "`stop`": {"stop": ["x"]},
    "`tools`": {"tools": [chat_tool()]},
    "`tools` with `strict`": {"tools": [chat_tool(strict=True)]},
    "free-text (`custom`) tools": {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
    "`custom` tools with a grammar": {
        "tools": [
            {
                "type": "custom",
                "custom": {
                    "name": "f",
                    "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}},
                },
            }
        ]
    },
    "`tool_choice` `required` or by name": {
        "tools": [chat_tool()],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    },
    "`tool_choice` `allowed_tools`": {
        "tools": [chat_tool()],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
    },
    "`parallel_tool_calls: false`": {"tools": [chat_tool()], "parallel_tool_calls": False},
    "`functions` (legacy)": {"functions": [{"name": "f", "parameters": SCHEMA}]},
    "`response_format` `json_schema`": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    },
    "... with bounds on numbers": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": LOOSE}}
    },
    "`response_format` `json_object`": {"response_format": {"type": "json_object"}},
    "`reasoning_effort`": {"reasoning_effort": "high"},
    "`verbosity`": {"verbosity": "low"},
    "`modalities` with audio": {"modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}},
    "`prediction`": {"prediction": {"type": "content", "content": "x"}},
    "`web_search_options`": {"web_search_options": {"search_context_size": "low"}},
    "`user`": {"user": "u"},
    "`safety_identifier`": {"safety_identifier": "u"},
    "`metadata`": {"metadata": {"a": "b"}},
    "`store: true`": {"store": True},
    "`service_tier: priority`": {"service_tier": "priority"},
    "`service_tier: flex`": {"service_tier": "flex"},
    "`prompt_cache_key`": {"prompt_cache_key": "k"},
    "`prompt_cache_options`": {"prompt_cache_options": {"mode": "explicit"}},
    "`moderation` with a policy": {"moderation": {"policy": {"input": {"mode": "block"}}}},
    "a field nobody knows": {"tomorrow": 1},
}

RESPONSES = {
    "`instructions`": {"instructions": "s"},
    "`input_image`": {
        "input": [{"role": "user", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]}]
    },
    "`input_file` as data": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
                ],
            }
        ]
    },
    "`function_call` and its output": {
        "input": [
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "r"},
        ]
    },
    "`reasoning` of another provider": {
        "input": [
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"role": "user", "content": "b"},
        ]
    },
    "items of hosted tools": {
        "input": [
            {"role": "user", "content": "hi"},
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "q"},
            },
            {"role": "user", "content": "b"},
        ]
    },
    "`max_output_tokens`": {"max_output_tokens": 500},
    "`temperature` up to 1": {"temperature": 0.5},
    "`top_p`": {"top_p": 0.5},
    "`top_logprobs`": {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "`tools` of type `function`": {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}]},
    "`tools` of type `custom`": {"tools": [{"type": "custom", "name": "f"}]},
    "`tools` of type `web_search`": {"tools": [{"type": "web_search"}]},
    "other hosted tools": {"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]},
    "`tool_choice` of a hosted tool": {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
    "`parallel_tool_calls: false`": {
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
        "parallel_tool_calls": False,
    },
    "`max_tool_calls`": {"max_tool_calls": 3},
    "`reasoning.effort`": {"reasoning": {"effort": "high"}},
    "`reasoning.summary`": {"reasoning": {"effort": "high", "summary": "auto"}},
    "`text.format` `json_schema`": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
    "`text.verbosity`": {"text": {"verbosity": "low"}},
    "`store: true`": {"store": True},
    "`metadata`": {"metadata": {"a": "b"}},
    "`safety_identifier`": {"safety_identifier": "u"},
    "`service_tier: priority`": {"service_tier": "priority"},
    "`prompt_cache_key`": {"prompt_cache_key": "k"},
    "`truncation: auto`": {"truncation": "auto"},
    "`context_management`": {"context_management": [{"type": "compaction"}]},
}


def blocks(*content):
    return {"messages": [{"role": "user", "content": list(content)}]}


TOOL = {"name": "f", "input_schema": SCHEMA}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}


def answered(**more):
    return {
        "messages": [
            {"role": "user", "content": "hi"},
            USE,
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", **more}]},
        ]
    }


CLAUDE = {
    "`system`": {"system": [{"type": "text", "text": "s"}]},
    "`image` as data": blocks({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}),
    "`image` by address": blocks({"type": "image", "source": {"type": "url", "url": "https://a.test/a.png"}}),
    "`document` (PDF)": blocks(
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    ),
    "`document` (text)": blocks(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "t"}}
    ),
    "`document` with `citations`": blocks(
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "citations": {"enabled": True},
        }
    ),
    "`document` of blocks": blocks(
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "t"}]}}
    ),
    "`image` by `file_id`": blocks({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
    "`image` that is SVG": blocks(
        {"type": "image", "source": {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zy8+"}}
    ),
    "`search_result`": blocks(
        {"type": "search_result", "source": "https://a.test", "title": "t", "content": [{"type": "text", "text": "x"}]}
    ),
    "`cache_control`": blocks({"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}),
    "`tool_use` and `tool_result`": answered(content="r"),
    "`tool_result.is_error`": answered(content="r", is_error=True),
    "a call without its result": {
        "messages": [{"role": "user", "content": "hi"}, USE, {"role": "user", "content": "b"}]
    },
    "a `tool_result` without its call": {
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}, {"type": "text", "text": "b"}]}
        ]
    },
    "images in a `tool_result`": answered(
        content=[{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]
    ),
    "`thinking` of another provider": {
        "messages": [
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "a"}],
            },
            {"role": "user", "content": "b"},
        ]
    },
    "`temperature`": {"temperature": 0.5},
    "`top_p`": {"top_p": 0.5},
    "`top_k`": {"top_k": 5},
    "`stop_sequences`": {"stop_sequences": ["x"]},
    "`tools`": {"tools": [TOOL]},
    "`tools` with `strict`": {"tools": [{**TOOL, "strict": True}]},
    "two `tools` with one name": {"tools": [TOOL, TOOL]},
    "`tools.input_examples`": {"tools": [{**TOOL, "input_examples": [{"a": "x"}]}]},
    "`web_search_*`": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "other server tools": {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
    "`tool_choice` `any`, `tool`": {"tools": [TOOL], "tool_choice": {"type": "any"}},
    "`disable_parallel_tool_use`": {
        "tools": [TOOL],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
    "`thinking` `enabled`": {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
    "`thinking` `adaptive`": {"thinking": {"type": "adaptive"}},
    "`output_config.effort`": {"output_config": {"effort": "high"}},
    "`output_config.format`": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "`metadata.user_id`": {"metadata": {"user_id": "u"}},
    "`service_tier: standard_only`": {"service_tier": "standard_only"},
    "`mcp_servers`": {"mcp_servers": [{"type": "url", "url": "https://a.test", "name": "n"}]},
    "`context_management`": {"context_management": {"edits": []}},
    "`container`": {"container": "c"},
}


def parts(*content):
    return {"contents": [{"role": "user", "parts": list(content)}]}


FUNCTIONS = {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]}

GEMINI = {
    "`systemInstruction`": {"systemInstruction": {"parts": [{"text": "s"}]}},
    "`inlineData` (image)": parts({"inlineData": {"mimeType": "image/png", "data": PNG}}),
    "`inlineData` (PDF)": parts({"inlineData": {"mimeType": "application/pdf", "data": PDF}}),
    "`inlineData` (audio)": parts({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
    "`inlineData` (video)": parts({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
    "`fileData`": parts({"fileData": {"mimeType": "image/png", "fileUri": "https://a.test/a.png"}}),
    "`functionCall` and `functionResponse`": {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]},
        ]
    },
    "`thoughtSignature` of another provider": {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "a", "thoughtSignature": "c2ln"}]},
            {"role": "user", "parts": [{"text": "b"}]},
        ]
    },
    "`executableCode`": {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1"}}]},
            {"role": "user", "parts": [{"text": "b"}]},
        ]
    },
    **{
        f"`{name}`": {"generationConfig": {name: value}}
        for name, value in {
            "maxOutputTokens": 500,
            "temperature": 0.5,
            "topP": 0.5,
            "topK": 5,
            "candidateCount": 2,
            "stopSequences": ["x"],
            "seed": 7,
            "presencePenalty": 1,
            "frequencyPenalty": 1,
            "responseLogprobs": True,
            "responseModalities": ["IMAGE"],
            "speechConfig": {"languageCode": "en"},
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
        }.items()
    },
    "`responseJsonSchema`": {
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    },
    "`responseMimeType` alone": {"generationConfig": {"responseMimeType": "application/json"}},
    "`thinkingLevel`": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}},
    "`thinkingBudget`": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 2048}}},
    "`includeThoughts`": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
    "`functionDeclarations`": FUNCTIONS,
    "`functionCallingConfig` `ANY`": {**FUNCTIONS, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
    "`functionCallingConfig` `VALIDATED`": {
        **FUNCTIONS,
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
    },
    "`googleSearch`": {"tools": [{"googleSearch": {}}]},
    "other tools of Google's": {"tools": [{"codeExecution": {}}]},
    "`safetySettings`": {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    "`cachedContent`": {"cachedContent": "cachedContents/1"},
    "`labels`": {"labels": {"a": "b"}},
    "`serviceTier: flex`": {"serviceTier": "flex"},
}

COMPLETIONS = {
    "`max_tokens`": {"max_tokens": 50},
    "`temperature` up to 1": {"temperature": 0.5},
    "`n`": {"n": 2},
    "`best_of`": {"best_of": 2},
    "`logprobs`": {"logprobs": 2},
    "`echo`": {"echo": True},
    "`suffix`": {"suffix": "x"},
    "`stop`": {"stop": "x"},
    "`seed`": {"seed": 7},
    "`logit_bias`": {"logit_bias": {"17": 1}},
    "`user`": {"user": "u"},
}

BASES = {
    Dialect.OPENAI_CHAT: {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    Dialect.OPENAI_RESPONSES: {"model": "m", "input": "hi", "store": False},
    Dialect.ANTHROPIC_MESSAGES: {"model": "m", "max_tokens": 500, "messages": [{"role": "user", "content": "hi"}]},
    Dialect.GEMINI: {"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    Dialect.OPENAI_COMPLETIONS: {"model": "m", "prompt": "hi"},
}
PROBES = {
    Dialect.OPENAI_CHAT: CHAT,
    Dialect.OPENAI_RESPONSES: RESPONSES,
    Dialect.ANTHROPIC_MESSAGES: CLAUDE,
    Dialect.GEMINI: GEMINI,
    Dialect.OPENAI_COMPLETIONS: COMPLETIONS,
}
