/** Where the service asks for a key. It is kept in this tab alone, and goes when the tab does. */

import { LostError, get, key } from "./api.js";
import { h } from "./dom.js";
import { leave } from "./oidc.js";
import { button, field, head, input, note, working } from "./parts.js";

function redirecting(provider) {
  const go = working("Sign in with your account", () => leave(provider), { kind: "main" });
  return h("section", { class: "card" }, note(`At ${new URL(provider.authorize_url).host}, which sends you back here.`), h("div", { class: "actions" }, go));
}

/** The provider, where the service names one; an older service does not know the question. */
async function providerOf() {
  try {
    return (await get("v1/sign-in")).provider;
  } catch (error) {
    if (error instanceof LostError) throw error;
    return null;
  }
}

/** A form for a key, and the way to a provider where there is one; `then` goes on with the key. */
export async function signIn(refused, then) {
  const provider = await providerOf();
  const text = input({ type: "password", required: true, placeholder: "ihas_…", autocomplete: "off", "aria-invalid": refused && "true" });
  const form = h("form", { class: "card", on: { submit: (event) => { event.preventDefault(); key.set(text.value.trim()); then(); } } },
    provider && h("h2", {}, "Or with a key"),
    field("API key or OpenID token", text, "It stays in this browser tab and is forgotten when you close it."),
    button("Sign in", null, { kind: provider ? "" : "main", type: "submit" }));
  return [
    head("Sign in", { lead: provider ? "This service asks who you are." : "This service asks for a key. Whoever runs it makes one with ihas keys create." }),
    refused && h("div", { class: "notice bad", role: "alert" }, refused), provider && redirecting(provider), form,
  ];
}
