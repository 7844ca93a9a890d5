// The page: its tools as tabs, and the theme.

import { openConfig } from "./config.js";
import { openEstimate } from "./estimate.js";
import { openExplain } from "./explain.js";
import { openStream } from "./stream.js";
import { readFragment, state, writeFragment } from "./state.js";

const tools = { estimate: openEstimate, explain: openExplain, stream: openStream, config: openConfig };
const tabs = [...document.querySelectorAll("[role=tab]")];
const opened = new Map();

const viewOf = (tab) => tab.id.slice("tab-".length);

function show(view, texts = {}) {
  state.view = view;
  for (const tab of tabs) {
    const is = viewOf(tab) === view;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !is;
  }
  if (!opened.has(view)) opened.set(view, tools[view](texts));
  else opened.get(view)?.take?.(texts);
}

for (const [at, tab] of tabs.entries()) {
  tab.addEventListener("click", () => {
    show(viewOf(tab));
    writeFragment();
  });
  tab.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    const to = key === "Home" ? 0 : key === "End" ? tabs.length - 1 : step && (at + step + tabs.length) % tabs.length;
    if (to === undefined) return;
    tabs[to].focus();
    tabs[to].click();
  });
}

const themes = ["auto", "light", "dark"];
function theme(name) {
  document.documentElement.dataset.theme = name;
  document.getElementById("theme-name").textContent = name[0].toUpperCase() + name.slice(1);
}
const stored = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
};
theme(themes.includes(stored()) ? stored() : "auto");
document.getElementById("theme").addEventListener("click", () => {
  const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
  theme(next);
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Without storage it holds until the page is left.
  }
});

// A menu closes by Escape and by a click elsewhere.
const menus = [...document.querySelectorAll("details.menu")];
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  for (const menu of menus.filter((menu) => menu.open)) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", ({ target }) => {
  for (const menu of menus) if (!menu.contains(target)) menu.open = false;
});

addEventListener("hashchange", async () => show(state.view, await readFragment()));
const texts = await readFragment();
show(state.view, texts);

// Where the page is not served (a file of this machine), or by plain http from elsewhere, there is no service worker.
if ("serviceWorker" in navigator && isSecureContext && location.protocol.startsWith("http")) {
  addEventListener("load", () => navigator.serviceWorker.register("sw.js"));
  if (document.readyState === "complete") navigator.serviceWorker.register("sw.js");
}
