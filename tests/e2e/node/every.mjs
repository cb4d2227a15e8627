// For each line it reads, a model's name, asks that model in every way the unmodified openai package has for it, and
// prints what came of each as one line of JSON.
import { createInterface } from "node:readline";
import OpenAI from "openai";

const [baseURL] = process.argv.slice(2);
let model;
const client = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0, timeout: 15000 });
const said = (text) => [{ role: "user", content: text }];
const nothing = { type: "object", properties: {}, required: [], additionalProperties: false };
const person = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};

const ways = {
  async chat() {
    const answer = await client.chat.completions.create({ model, messages: said("hello there") });
    return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason };
  },
  async chatStream() {
    const stream = client.chat.completions.stream({
      model,
      messages: said("hello there"),
      stream_options: { include_usage: true },
    });
    let pieces = 0;
    stream.on("content", () => pieces++);
    const answer = await stream.finalChatCompletion();
    return { text: answer.choices[0].message.content, pieces, tokens: answer.usage.total_tokens };
  },
  async chatParse() {
    const answer = await client.chat.completions.parse({
      model,
      messages: said("who?"),
      response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema: person } },
    });
    return Object.keys(JSON.parse(answer.choices[0].message.content)).sort();
  },
  async chatTools() {
    let asked = 0;
    const tool = { name: "get_time", description: "", parameters: nothing, parse: JSON.parse, function: () => `${++asked}:00` };
    const runner = client.chat.completions.runTools({
      model,
      messages: said("what time is it?"),
      tools: [{ type: "function", function: tool }],
      stream: true,
    });
    return { text: await runner.finalContent(), asked };
  },
  async responses() {
    const answer = await client.responses.create({ model, input: "hello there" });
    return { text: answer.output_text, status: answer.status };
  },
  async responsesStream() {
    const stream = client.responses.stream({ model, input: "hello there" });
    let text = "";
    stream.on("response.output_text.delta", (event) => (text += event.delta));
    const answer = await stream.finalResponse();
    return { text, same: text === answer.output_text, status: answer.status };
  },
  async responsesParse() {
    const format = { type: "json_schema", name: "person", strict: true, schema: person };
    const answer = await client.responses.parse({ model, input: "who?", text: { format } });
    return Object.keys(JSON.parse(answer.output_text)).sort();
  },
  async responsesTools() {
    const tools = [{ type: "function", name: "get_time", parameters: nothing, strict: true }];
    const input = said("what time is it?");
    const first = await client.responses.create({ model, input, tools, store: false });
    const calls = first.output.filter((item) => item.type === "function_call");
    const results = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: "1:00" }));
    const last = await client.responses.create({ model, input: [...input, ...first.output, ...results], tools, store: false });
    return { text: last.output_text, asked: calls.length };
  },
};

for await (model of createInterface({ input: process.stdin })) {
  const told = {};
  for (const [way, ask] of Object.entries(ways)) {
    try {
      told[way] = await ask();
    } catch (error) {
      told[way] = { error: error.name, message: error.message };
    }
  }
  console.log(JSON.stringify(told));
}
