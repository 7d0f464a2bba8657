/** The frame: who asks, which page is shown, and what happens when the service goes away. */

import { ApiError, LostError, get, key, onConnection, state } from "./api.js";
import { h, icon, show } from "./dom.js";
import { poll } from "./events.js";
import { returned } from "./oidc.js";
import { button, empty, link, loading, problem } from "./parts.js";
import { NAVIGATION, find } from "./routes.js";
import { signIn } from "./sign_in.js";

const page = document.getElementById("page");
let leaving = new AbortController();
let failedAtProvider = "";

/** Address behind `#` as path and query. */
function address() {
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  return { path, query: new URLSearchParams(query) };
}

function drawNavigation(path) {
  const links = NAVIGATION.filter(({ scope }) => !scope || state.caller?.scopes.includes(scope)).map(({ to, name, drawing, owns }) => {
    const here = owns.some((start) => (start === "/" ? path === "/" : path.startsWith(start)));
    return h("li", {}, h("a", { href: `#${to}`, "aria-current": here && "page" }, icon(drawing), h("span", {}, name)));
  });
  show(document.getElementById("pages"), h("ul", {}, state.caller ? links : []));
}

function drawAccount() {
  const { caller } = state;
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const turn = button("", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("ihas-theme", document.documentElement.dataset.theme);
    name();
    dispatchEvent(new Event("ihas-theme"));
  }, { kind: "small bare" });
  const name = () => show(turn, dark() ? "Light theme" : "Dark theme");
  name();
  const leave = button("Sign out", () => { key.clear(); state.caller = null; open(); }, { kind: "small bare" });
  show(document.getElementById("account"), caller && h("span", { class: "who" }, caller.access === "local" ? "This machine, no key needed" : `Tenant ${caller.tenant}`), turn, caller && key.get() && leave);
}

async function known() {
  if (state.caller) return true;
  try {
    state.caller = await get("v1/caller");
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      const refused = key.get() ? (error.status === 403 ? "This key may not read. The dashboard needs the scope read." : "The service does not know this key.") : failedAtProvider;
      failedAtProvider = "";
      document.title = "Sign in · iHAS";
      show(page, await signIn(refused, open));
      return false;
    }
    throw error;
  }
}

/** Show the page of the address. */
async function open({ quiet = false } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { path, query } = address();
  if (!quiet) show(page, loading());
  try {
    if (!(await known())) return;
    const { name, draw, given } = find(path);
    document.title = `${name} · iHAS`;
    const made = draw ? await draw({ ...given, query, signal, reload: () => open({ quiet: true }) }) : missing();
    if (!signal.aborted) show(page, made);
    if (!quiet && !signal.aborted) (page.querySelector("h1") ?? page).focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof ApiError && error.status === 401) {
      state.caller = null;
      open();
    } else if (!(error instanceof LostError)) show(page, error.status === 404 ? missing() : problem(error));
  } finally {
    drawNavigation(path);
    drawAccount();
  }
}

const missing = () => empty("There is nothing here", "It may have been deleted, or it belongs to somebody else.", link("Home", "/", "main"));

onConnection(async (lost) => {
  show(document.getElementById("connection"), lost && "The service does not answer. This page goes on by itself when it does.");
  if (!lost) return;
  await poll(async () => { await get("v1/caller").catch((error) => { if (error instanceof LostError) throw error; }); return !state.lost; }, 1000, new AbortController().signal);
  if (page.querySelector(".loading")) open();
});

document.querySelector("[data-skip]").addEventListener("click", (event) => { event.preventDefault(); page.focus(); });
failedAtProvider = await returned();
addEventListener("hashchange", () => { scrollTo(0, 0); open(); });
open();
