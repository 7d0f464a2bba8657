/** Server-sent events of a search, read by `fetch`, since `EventSource` cannot carry a key. Goes on after a lost connection. */

import { ApiError, LostError, send } from "./api.js";

const AGAIN_MS = 1500;

/** Call `tell` with every event until the search has ended or `signal` says so. */
export async function follow(id, tell, signal) {
  let last = 0;
  let ended = false;
  const heard = (event) => {
    last = event.id;
    ended = ["succeeded", "failed", "cancelled"].includes(event.state);
    tell(event);
  };
  while (!signal.aborted && !ended) {
    try {
      const answer = await send("GET", `v1/searches/${id}/events`, { signal, more: { "last-event-id": String(last) } });
      await read(answer.body, heard);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status < 500) throw error;
      if (!(error instanceof LostError || error instanceof TypeError || error instanceof ApiError)) throw error;
    }
    if (!ended) await pause(AGAIN_MS, signal);
  }
}

async function read(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r\n", "\n");
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) heard(JSON.parse(data.join("\n")));
    }
  }
}

/** Wait, or be woken by `signal`. */
export function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

/** Call `look` again and again until it gives true or `signal` says so; a lost connection is waited for. */
export async function poll(look, milliseconds, signal) {
  while (!signal.aborted) {
    try {
      if (await look()) return;
    } catch (error) {
      if (!(error instanceof LostError)) throw error;
    }
    await pause(milliseconds, signal);
  }
}
