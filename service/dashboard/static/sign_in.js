/** Where the service asks for a key. It is kept in this tab alone, and goes when the tab does. */

import { key } from "./api.js";
import { h } from "./dom.js";
import { button, field, head, input } from "./parts.js";

/** A form for a key; `then` goes on with it. */
export function signIn(refused, then) {
  const text = input({ type: "password", required: true, placeholder: "ihas_…", autocomplete: "off", "aria-invalid": refused && "true" });
  const form = h("form", { class: "card", on: { submit: (event) => { event.preventDefault(); key.set(text.value.trim()); then(); } } },
    refused && h("div", { class: "notice bad", role: "alert" }, refused),
    field("API key or OpenID token", text, "It stays in this browser tab and is forgotten when you close it."),
    button("Sign in", null, { kind: "main", type: "submit" }));
  return [head("Sign in", { lead: "This service asks for a key. Whoever runs it makes one with `ihas keys create`.".replaceAll("`", "") }), form];
}
