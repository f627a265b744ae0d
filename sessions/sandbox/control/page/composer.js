// Writing: text, files, and letting the other side see it.

import * as api from "./api.js";
import { find } from "./dom.js";

const TYPING_LASTS = 4000; // milliseconds after the last key
const LARGEST_FILE = 90 * 1024 * 1024;

async function base64(file) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new api.Problem("The file could not be read."));
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}

function kindOf(file) {
  const family = file.type.split("/")[0];
  return ["image", "video", "audio"].includes(family) && !file.type.includes("svg") ? family : "document";
}

export function setUpComposer({ place, sent }) {
  const text = find("#text");
  const problem = find("#composer-problem");
  const drafts = new Map();
  let typing = null;
  let open = null;

  async function attempt(action) {
    problem.textContent = "";
    try {
      await action();
      sent();
    } catch (error) {
      problem.textContent = error.message;
    }
  }

  function stopTyping() {
    if (typing === null) return;
    clearTimeout(typing.timer);
    api.showTyping(typing.phone, typing.chat, "paused").catch(() => {});
    typing = null;
  }

  function keepTyping() {
    const { phone, chat } = place();
    if (typing === null) {
      typing = { phone, chat };
      api.showTyping(phone, chat, "composing").catch(() => {});
    }
    clearTimeout(typing.timer);
    typing.timer = setTimeout(stopTyping, TYPING_LASTS);
  }

  function sendText() {
    const body = text.value.trim();
    if (!body) return;
    const { phone, chat } = place();
    text.value = "";
    stopTyping();
    attempt(() => api.sendMessage(phone, { to: chat, type: "text", text: { body } }));
  }

  async function sendFile(file) {
    const { phone, chat } = place();
    if (file.size > LARGEST_FILE) throw new api.Problem("This file is too large.");
    const kind = kindOf(file);
    const content = { base64: await base64(file) };
    if (file.type) content.mimetype = file.type;
    if (kind === "document") content.filename = file.name;
    await api.sendMessage(phone, { to: chat, type: kind, [kind]: content });
  }

  // Each chat keeps what was typed into it.
  function opened() {
    const { phone, chat } = place();
    if (open) drafts.set(open, text.value);
    open = chat ? `${phone} ${chat}` : null;
    text.value = drafts.get(open) ?? "";
    problem.textContent = "";
  }

  find("#composer").addEventListener("submit", (event) => {
    event.preventDefault();
    sendText();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      sendText();
    }
  });
  text.addEventListener("input", keepTyping);
  find("#attach").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) await attempt(() => sendFile(file));
  });
  return { opened };
}
