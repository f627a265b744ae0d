// One message as a bubble, whatever it says.

import { make } from "./dom.js";

const TICKS = {
  pending: ["◷", "on its way"],
  sent: ["✓", "sent"],
  delivered: ["✓✓", "delivered"],
  read: ["✓✓", "read"],
  played: ["✓✓", "played"],
  failed: ["!", "not sent"],
};
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const aside = (text) => make("div", { class: "aside" }, text);
const body = (text) => make("div", { class: "body" }, text);
const captioned = (element, file) => [element, file.caption ? body(file.caption) : null];

const SHOW = {
  text: (message) => [body(message.text.body)],
  image: ({ image }) => captioned(make("img", { src: image.url, alt: image.caption ?? "Picture", loading: "lazy" }), image),
  sticker: ({ sticker }) => [make("img", { src: sticker.url, alt: "Sticker", loading: "lazy" })],
  video: ({ video }) => captioned(make("video", { src: video.url, controls: true, preload: "metadata" }), video),
  audio: ({ audio }) => [make("audio", { src: audio.url, controls: true, preload: "none" })],
  voice: ({ voice }) => [make("audio", { src: voice.url, controls: true, preload: "none", "aria-label": "Voice message" })],
  document: ({ document }) =>
    captioned(make("a", { href: document.url, download: document.filename ?? "document" }, document.filename ?? "Document"), document),
  location: ({ location }) => [body(location.name ?? "Place"), aside(`${location.latitude}, ${location.longitude}`)],
  contacts: ({ contacts }) => contacts.map((card) => body(`Contact: ${card.name}`)),
  poll: ({ poll }) => [body(poll.question), ...poll.options.map((option) => aside(`○ ${option}`))],
  reaction: ({ reaction }) => [aside(reaction.emoji ? `Reacted ${reaction.emoji}` : "Took a reaction back")],
  revoke: () => [aside("Deleted a message")],
  edit: (message) => [aside("Changed a message to"), message.text ? body(message.text.body) : null],
};

export function preview(message) {
  if (message.text) return message.text.body;
  const shown = message[message.type];
  return shown?.caption || shown?.filename || message.type[0].toUpperCase() + message.type.slice(1);
}

export function bubble(message, isNew) {
  const show = SHOW[message.type] ?? (() => [aside(`A ${message.type} message, which this page does not show`)]);
  const out = message.direction === "out";
  const meta = make("div", { class: "meta" }, clock.format(new Date(message.at)));
  if (out && message.status) {
    const [sign, words] = TICKS[message.status];
    const state = message.status === "played" ? "read" : message.status;
    meta.append(make("span", { class: `tick ${state}`, role: "img", "aria-label": words, title: words }, sign));
  }
  const classes = `bubble${out ? " out" : ""}${isNew ? " new" : ""}`;
  return make("div", { class: classes, "data-id": message.id }, ...show(message), meta);
}
