// The page: which phone and chat are open stands in the address, everything else comes from the control API.

import * as api from "./api.js";
import { bubble, preview } from "./bubbles.js";
import { setUpComposer } from "./composer.js";
import { badge, face, find, make } from "./dom.js";
import { setUpLinking } from "./linking.js";

const wide = matchMedia("(min-width: 860px)");
const TYPING_SHOWS = 6000; // milliseconds

// `shown` holds the bubbles on the page: one that has not changed stays, so that nothing is read out or played anew.
const state = { phones: [], messages: [], phone: null, chat: null, shown: new Map(), typing: new Map() };

const nameOf = (number) => state.phones.find((phone) => phone.number === number)?.name ?? `+${number}`;

function readAddress() {
  const [, phone = null, chat = null] = location.hash.split("/");
  const known = state.phones.some((one) => one.number === phone);
  const changed = state.phone !== phone || state.chat !== chat;
  if (state.phone !== phone) state.messages = [];
  if (changed) state.shown = new Map();
  state.phone = known ? phone : null;
  state.chat = known ? chat : null;
  return changed;
}

function drawPhones() {
  const rows = state.phones.map((phone) => {
    const linked = phone.linked.length;
    const line = linked ? `${linked} linked device${linked > 1 ? "s" : ""}` : `+${phone.number}`;
    const current = phone.number === state.phone;
    return make("li", {}, make("a", { href: `#/${phone.number}`, "aria-current": current ? "true" : null },
      face(phone.name, phone.number),
      make("span", { class: "title" }, phone.name),
      badge(phone.unread, "unread") ?? make("span"),
      make("span", { class: "preview" }, line)));
  });
  find("#phone-list").replaceChildren(...rows);
}

function drawDevices(phone) {
  const rows = phone.linked.map((device) => make("li", {},
    make("span", { class: `dot${device.online ? " online" : ""}` }),
    make("span", { class: "what" }, device.platform || "Linked device",
      make("span", { class: "hint" }, `device ${device.index}, ${device.online ? "online" : "offline"}`)),
    make("button", { class: "quiet", onclick: () => unlink(device.index) }, "Unlink")));
  const none = make("li", { class: "none" }, "None yet");
  find("#devices").replaceChildren(...(rows.length ? rows : [none]));
}

function drawChats() {
  const newest = new Map();
  const unread = new Map();
  for (const message of state.messages) {
    newest.set(message.chat, message);
    if (message.read === false) unread.set(message.chat, (unread.get(message.chat) ?? 0) + 1);
  }
  const others = state.phones.map((phone) => phone.number).filter((number) => number !== state.phone);
  const chats = [...new Set([...newest.keys(), ...others])];
  chats.sort((left, right) => (newest.get(right)?.seq ?? 0) - (newest.get(left)?.seq ?? 0));
  const rows = chats.map((chat) => {
    const current = chat === state.chat;
    const last = newest.get(chat);
    return make("li", {}, make("a", { href: `#/${state.phone}/${chat}`, "aria-current": current ? "true" : null },
      face(nameOf(chat), chat),
      make("span", { class: "title" }, nameOf(chat)),
      badge(unread.get(chat), "unread") ?? make("span"),
      make("span", { class: "preview" }, last ? preview(last) : `+${chat}`)));
  });
  find("#chat-list").replaceChildren(...rows);
}

function drawConversation() {
  const messages = state.messages.filter((message) => message.chat === state.chat);
  const first = state.shown.size === 0;
  const list = find("#messages");
  const atEnd = first || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const before = state.shown;
  state.shown = new Map(messages.map((message) => [message.seq, keep(before.get(message.seq), message, !first)]));
  place(list, [...state.shown.values()].map((kept) => kept.element));
  if (atEnd) list.scrollTop = list.scrollHeight;
  find("#peer").textContent = nameOf(state.chat);
  find("#peer-state").textContent = typingOf(state.chat) ?? `+${state.chat}`;
  find("#back-to-chats").href = `#/${state.phone}`;
  find("#mark-read").hidden = !messages.some((message) => message.read === false);
}

function keep(known, message, isLive) {
  const said = JSON.stringify(message);
  return known?.said === said ? known : { said, element: bubble(message, isLive && !known) };
}

// Puts these elements into the list without touching those that are in their place already.
function place(list, elements) {
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  while (list.children.length > elements.length) list.lastChild.remove();
}

function typingOf(chat) {
  const seen = state.typing.get(`${state.phone} ${chat}`);
  if (!seen || seen.until < Date.now() || seen.state === "paused") return null;
  return seen.state === "recording" ? "recording…" : "typing…";
}

function draw() {
  const phone = state.phones.find((one) => one.number === state.phone);
  find(".frame").dataset.depth = phone ? (state.chat ? 2 : 1) : 0;
  find(".chats").hidden = !phone;
  find(".conversation").hidden = !state.chat;
  find(".empty h2").textContent = phone ? "Pick a chat" : "Pick a phone";
  drawPhones();
  if (!phone) return;
  find("#owner").textContent = phone.name;
  find("#owner-number").textContent = `+${phone.number}`;
  drawDevices(phone);
  drawChats();
  if (state.chat) drawConversation();
}

let running = null;
let again = false;

// One refresh at a time; whatever happens meanwhile makes one more, so that a flood of news costs little.
async function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    do {
      again = false;
      state.phones = await api.listPhones();
      readAddress();
      const phone = state.phone;
      const messages = phone ? await api.listMessages(phone) : [];
      if (phone === state.phone) state.messages = messages;
      draw();
    } while (again);
  })();
  try {
    await running;
  } catch (problem) {
    find("#connection").textContent = problem.message;
  } finally {
    running = null;
  }
}

async function unlink(index) {
  await api.unlink(state.phone, index);
  refresh();
}

function onNews(kind, news) {
  if (kind === "typing") {
    state.typing.set(`${news.number} ${news.from}`, { state: news.state, until: Date.now() + TYPING_SHOWS });
    setTimeout(draw, TYPING_SHOWS + 50);
    draw();
  } else {
    if (kind === "message") state.typing.delete(`${news.number} ${news.chat}`);
    refresh();
  }
}

addEventListener("hashchange", async () => {
  await refresh();
  composer.opened();
  if (state.chat && wide.matches) find("#text").focus();
  else if (state.phone && !state.chat) find("#phone").focus();
});
find("#mark-read").addEventListener("click", async () => {
  const unread = state.messages.filter((message) => message.chat === state.chat && message.read === false);
  await api.markRead(state.phone, unread.map((message) => message.id));
  refresh();
});
find("#add-phone").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { number, name } = event.target.elements;
  const problem = event.target.querySelector(".problem");
  problem.textContent = "";
  try {
    const phone = await api.addPhone(number.value, name.value.trim());
    event.target.reset();
    location.hash = `#/${phone.number}`;
  } catch (error) {
    problem.textContent = error.message;
  }
});
setUpLinking({ currentPhone: () => state.phone, linked: refresh });
const composer = setUpComposer({ place: () => ({ phone: state.phone, chat: state.chat }), sent: refresh });
api.watch({
  onNews,
  onConnection: (up) => {
    find("#connection").textContent = up ? "" : "Connecting…";
    if (up) refresh().then(composer.opened);
  },
});
