// Asks once through the unmodified openai package and prints what it got as one line of JSON.
import OpenAI from "openai";

const [baseURL, kind, maxRetries] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "unused", maxRetries: Number(maxRetries), timeout: 15000 });
const messages = [{ role: "user", content: "hello there" }];
const tools = [{ type: "function", function: { name: "get_time", parameters: { type: "object", properties: {} } } }];

async function ask() {
  if (kind === "embeddings") {
    const answer = await client.embeddings.create({ model: "vectors", input: ["one", "two"] });
    return { dimensions: answer.data.map((one) => one.embedding.length) };
  }
  if (kind === "stream") {
    let text = "";
    const stream = await client.chat.completions.create({ model: "duo", messages, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
    return { text };
  }
  const more = kind === "tools" ? { tools } : {};
  const answer = await client.chat.completions.create({ model: "duo", messages, ...more });
  const message = answer.choices[0].message;
  return { text: message.content, tools: (message.tool_calls ?? []).map((call) => call.function.name) };
}

try {
  console.log(JSON.stringify(await ask()));
} catch (error) {
  console.log(JSON.stringify({ error: error.name, status: error.status ?? null, code: error.code ?? null }));
}
