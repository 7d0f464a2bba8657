/** Signing in by redirection to an OpenID provider: authorization code with PKCE, as a public client; no secret and no cookie. */

import { key } from "./api.js";

const ASKED = "ihas-sign-in";
const here = () => new URL(".", location.href).href;

const text64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const chance = () => text64(crypto.getRandomValues(new Uint8Array(32)));

/** Go to the provider; it sends the browser back to this address. */
export async function leave(provider) {
  const address = new URL(provider.authorize_url);
  if (!["https:", "http:"].includes(address.protocol)) throw new Error(`The provider must be at an address on the web, but is at ${address.protocol}`);
  if (!crypto.subtle) throw new Error("Signing in by redirection needs https. Open the dashboard by https, or paste a token.");
  const asked = { verifier: chance(), state: chance(), hash: location.hash, provider };
  sessionStorage.setItem(ASKED, JSON.stringify(asked));
  const challenge = text64(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked.verifier)));
  const query = { response_type: "code", client_id: provider.client_id, redirect_uri: here(), scope: provider.scope, state: asked.state, code_challenge: challenge, code_challenge_method: "S256" };
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  location.assign(address.href);
}

/** The token for the code: the access token where it is one that a service can read, else the identity token. */
async function exchanged({ provider, verifier }, code) {
  const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: here(), client_id: provider.client_id, code_verifier: verifier });
  let answer;
  try {
    answer = await fetch(provider.token_url, { method: "POST", body, headers: { accept: "application/json" }, credentials: "omit", referrerPolicy: "no-referrer" });
  } catch {
    throw new Error(`${new URL(provider.token_url).host} does not answer this page. It must admit this address (CORS).`);
  }
  const said = await answer.json().catch(() => ({}));
  const token = [said.access_token, said.id_token].find((one) => typeof one === "string" && one.split(".").length === 3);
  if (!answer.ok || !token) throw new Error(`The provider gave no token: ${said.error_description ?? said.error ?? `it answered ${answer.status}`}.`);
  return token;
}

/** End what `leave` began, where the browser comes back from the provider; a sentence where that failed, else an empty text. */
export async function returned() {
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return "";
  const asked = JSON.parse(sessionStorage.getItem(ASKED) ?? "null");
  sessionStorage.removeItem(ASKED);
  history.replaceState(null, "", here() + (asked?.hash ?? ""));
  if (!asked || asked.state !== query.get("state")) return "This tab did not ask for that. Sign in again.";
  if (query.has("error")) return `The provider refused: ${query.get("error_description") ?? query.get("error")}.`;
  try {
    key.set(await exchanged(asked, query.get("code")));
    return "";
  } catch (error) {
    return error.message;
  }
}
