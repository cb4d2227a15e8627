// Gives a task to an agent of Vercel's AI SDK and prints what became of it as one line of JSON. Its tool `get_weather`
// prints a line of its own first and answers with the line that it then reads.
import { createInterface } from "node:readline";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [baseURL, model, kind, way, store, prompt] = process.argv.slice(2);
const vendor = { baseURL, apiKey: "unused" };
const models = {
  chat: () => createOpenAI(vendor).chat(model),
  responses: () => createOpenAI(vendor).responses(model),
  messages: () => createAnthropic(vendor)(model),
};
const input = createInterface({ input: process.stdin });
const called = [];
const tools = {
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      console.log(JSON.stringify({ city }));
      return JSON.parse(await new Promise((resolve) => input.once("line", resolve))).weather;
    },
  }),
  get_time: tool({
    description: "What time it is.",
    inputSchema: z.object({}),
    execute: () => {
      called.push("time");
      return "noon";
    },
  }),
};
// By default it sends the ids of items that it takes to be stored at OpenAI, thoughts among them, and not the items.
const thinks = { forceReasoning: true, reasoningEffort: "high", reasoningSummary: "auto" };
const loose = store === "loose" ? { store: false } : {};
const providerOptions = kind === "responses" ? { openai: { ...thinks, ...loose } } : {};
const asked = { model: models[kind](), tools, prompt, providerOptions, maxRetries: 0, stopWhen: stepCountIs(5) };
const text = await (way === "stream" ? streamText(asked) : await generateText(asked)).text;
console.log(JSON.stringify({ text, called }));
input.close();
