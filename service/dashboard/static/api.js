/** Requests of the public API; every refusal is an `ApiError` with its problem document. */

const KEY = "ihas-key";
export const state = { caller: null, lost: false };
const listeners = new Set();

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

export class LostError extends Error {
  constructor() {
    super("The service does not answer. This page goes on as soon as it does.");
  }
}

/** Call back with true when the connection is lost, with false when it is there again. */
export function onConnection(act) {
  listeners.add(act);
}

function heard(lost) {
  if (state.lost === lost) return;
  state.lost = lost;
  for (const act of listeners) act(lost);
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  clear: () => sessionStorage.removeItem(KEY),
};

export function headers(more = {}) {
  return key.get() ? { authorization: `Bearer ${key.get()}`, ...more } : more;
}

/** Send a request; its answer, or an error. `path` is like `v1/models`. */
export async function send(method, path, { body, signal, more } = {}) {
  const options = { method, signal, headers: headers(more), cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    heard(true);
    throw new LostError();
  }
  if (answer.status === 502 && answer.headers.get("content-type")?.includes("problem")) heard(true);
  else heard(false);
  if (!answer.ok) throw new ApiError(answer.status, await problemOf(answer));
  return answer;
}

async function problemOf(answer) {
  try {
    return await answer.json();
  } catch {
    return { title: `The service answered ${answer.status}.` };
  }
}

export const get = async (path, options) => (await send("GET", path, options)).json();
export const post = async (path, body = {}, options = {}) => (await send("POST", path, { body, ...options })).json();
export const put = async (path, body, options = {}) => (await send("PUT", path, { body, ...options })).json();
export const remove = async (path) => (await send("DELETE", path)).json();

/** A document and its ETag, for a change that expects it. */
export async function getTagged(path) {
  const answer = await send("GET", path);
  return { document: await answer.json(), tag: answer.headers.get("etag") ?? "*" };
}

/** Change what had the tag when it was read; where somebody else changed it since, the page is drawn anew and the error goes on. */
export async function putTagged(path, body, tag, reload) {
  try {
    return await put(path, body, { more: { "if-match": tag } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) await reload();
    throw error;
  }
}

/** What `get` gives, or `other` where there is none or it may not be seen. */
export async function getOr(path, other, options) {
  try {
    return await get(path, options);
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return other;
    throw error;
  }
}

/** Whether the caller's key has a scope. */
export const can = (scope) => state.caller?.scopes.includes(scope) ?? false;

export const part = (name) => encodeURIComponent(name);

/** A header by which a request that is sent again, after a lost connection, has the effect of one. */
export const once = () => ({ "idempotency-key": Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("") });

/** Upload a file with its progress, which `fetch` does not tell. */
export function upload(path, file, tell, { method = "PUT", more = {} } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers({ "content-type": "application/octet-stream", ...more }))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => tell(event.total ? event.loaded / event.total : 0));
    request.addEventListener("error", () => fail(new LostError()));
    request.addEventListener("load", () => {
      let document = {};
      try {
        document = JSON.parse(request.responseText);
      } catch {
        document = {};
      }
      if (request.status < 300) done(document);
      else fail(new ApiError(request.status, document));
    });
    request.send(file);
  });
}
