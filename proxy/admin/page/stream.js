// The stream of updates. EventSource cannot send a token, so it is read with fetch.

const PAUSES_S = [0.5, 1, 2, 5];
const SILENT_S = 10; // changes come once a second, so that silence means that nobody is there

/** What the port said instead of a stream. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

async function* events(body) {
  let event = "";
  let data = "";
  for await (const line of lines(body)) {
    if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data = line.slice(6);
    else if (line === "" && data) {
      yield [event, JSON.parse(data)];
      data = "";
    }
  }
}

export const headers = (token) => (token ? { authorization: `Bearer ${token}` } : {});

/** The message of an answer that is an error, or a sentence that has its status. */
export async function messageOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `This port answered ${response.status}.`;
  }
}

async function once(token, told) {
  const ending = new AbortController();
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort(), SILENT_S * 1000);
  };
  alive();
  try {
    const response = await fetch("/events", {
      headers: { accept: "text/event-stream", ...headers(token) },
      signal: ending.signal,
      cache: "no-store",
    });
    if (!response.ok) throw new Refused(response.status, await messageOf(response));
    for await (const [event, data] of events(response.body)) {
      alive();
      told(event, data);
    }
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
}

/**
 * Follows the stream for good. `token()` gives the token of the moment; `told(event, data)` is called for each event,
 * `lost(error, seconds)` when it broke off and is asked for again in so many seconds; error is null where it just ended.
 * Returns once the port wants another token.
 */
export async function follow(token, told, lost) {
  let failed = 0;
  for (;;) {
    let error = null;
    try {
      await once(token(), (event, data) => {
        failed = 0;
        told(event, data);
      });
    } catch (caught) {
      error = caught;
    }
    if (error instanceof Refused && error.status === 401) {
      lost(error, 0);
      return;
    }
    const pause = PAUSES_S[Math.min(failed, PAUSES_S.length - 1)];
    failed += 1;
    lost(error, pause);
    await new Promise((done) => setTimeout(done, pause * 1000));
  }
}
