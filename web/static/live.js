// <live-region>: asks the server for its part of the page again when the event log says that something happened.
// <copy-button>: puts a text into the clipboard.

import { sayTimes } from "./times.js";

const SETTLE_MS = 60; // several events often come together

const NEWS = [
  "session.created", "session.status", "session.paired", "session.deleted",
  "session.degraded", "session.recovered", "session.restricted", "session.unrestricted",
  "message.queued", "message.received", "message.sent", "message.status",
];

let source;
const regions = new Set();

function listen() {
  if (source) return;
  const types = [...new Set([...regions].flatMap((region) => region.dataset.types.split(",")))];
  const query = new URLSearchParams({ types: types.join(",") });
  const only = [...regions].map((region) => region.dataset.session);
  if (only.length === 1 && only[0]) query.set("session", only[0]);
  source = new EventSource(`/api/v1/events?${query}`);
  const news = () => regions.forEach((region) => region.refreshSoon());
  source.addEventListener("open", news); // what happened while the connection was away
  for (const name of NEWS) source.addEventListener(name, news);
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    source = undefined;
    news(); // says so when it is because of a sign-out
    setTimeout(listen, 5000);
  });
  addEventListener("pagehide", () => source?.close());
}

class LiveRegion extends HTMLElement {
  connectedCallback() {
    regions.add(this);
    queueMicrotask(listen);
    const seconds = Number(this.dataset.every); // for what changes without any news, such as the age of a proof
    if (seconds) this.clock = setInterval(() => document.hidden || this.refreshSoon(), seconds * 1000);
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    regions.delete(this);
  }

  refreshSoon() {
    if (this.refreshing) this.again = true; // the answer under way may be from before this news
    else this.timer ??= setTimeout(() => this.refresh(), SETTLE_MS);
  }

  async refresh() {
    this.timer = undefined;
    this.refreshing = true;
    try {
      const answer = await fetch(this.dataset.from ?? location.pathname, { headers: { Accept: "text/html" } });
      if (answer.redirected) location.reload(); // signed out meanwhile
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(this.id);
      if (fresh) this.take(fresh);
    } catch {
      // Offline: the stream comes back by itself, and with it the next refresh.
    } finally {
      this.refreshing = false;
      if (this.again) this.refreshSoon();
      this.again = false;
    }
  }

  take(fresh) {
    sayTimes(fresh);
    const mine = [...this.querySelectorAll("[data-key]")];
    const theirs = [...fresh.querySelectorAll("[data-key]")];
    const sameKeys = mine.length > 0 && mine.length === theirs.length && mine.every((one, at) => one.dataset.key === theirs[at].dataset.key);
    if (sameKeys) mine.forEach((one, at) => replaceIfChanged(one, theirs[at]));
    else replaceIfChanged(this, fresh, true);
  }
}

// Keeps the focus and what was opened where the replaced part has the same things again.
function replaceIfChanged(old, fresh, onlyInside = false) {
  if (old.innerHTML === fresh.innerHTML) return;
  const focused = old.contains(document.activeElement) ? pathOf(document.activeElement) : undefined;
  const opened = [...old.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  if (onlyInside) old.replaceChildren(...fresh.childNodes);
  else old.replaceWith(fresh);
  const now = onlyInside ? old : fresh;
  for (const summary of now.querySelectorAll("summary")) {
    if (opened.includes(summary.textContent)) summary.parentElement.open = true;
  }
  if (focused) now.querySelector(focused)?.focus();
}

function pathOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const form = element.closest("form[action]");
  if (form) return `form[action="${CSS.escape(form.getAttribute("action"))}"] ${element.localName}`;
  const href = element.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : element.localName;
}

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard) return; // plain http from another machine: the text can still be selected
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.text);
      button.textContent = "Copied";
    });
    this.append(button);
  }
}

customElements.define("live-region", LiveRegion);
customElements.define("copy-button", CopyButton);
