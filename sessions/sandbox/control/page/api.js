// The control API: requests, problems in plain words, and news as they happen.

const BASE = "/sandbox/v1";

export class Problem extends Error {}

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(BASE + path, options);
  } catch {
    throw new Problem("The WhatsApp on this computer does not answer. Is it still running?");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Problem(told.fields?.[0]?.problem ?? told.detail);
  return told;
}

export const listPhones = async () => (await call("GET", "/phones")).items;
export const addPhone = (number, name) => call("POST", "/phones", name ? { number, name } : { number });
export const listMessages = async (number) =>
  (await call("GET", `/phones/${number}/messages?sent=true&limit=1000`)).items;
export const sendMessage = (number, message) => call("POST", `/phones/${number}/messages`, message);
export const markRead = (number, ids) => call("POST", `/phones/${number}/read`, { ids });
export const showTyping = (number, to, state) => call("POST", `/phones/${number}/typing`, { to, state });
export const scan = (number, qr) => call("POST", `/phones/${number}/scan`, { qr });
export const enterCode = (number, code) => call("POST", `/phones/${number}/link`, { code });
export const unlink = (number, index) => call("POST", `/phones/${number}/unlink`, { index });

export function watch({ onNews, onConnection }) {
  const source = new EventSource(`${BASE}/events`);
  source.addEventListener("ready", () => onConnection(true));
  source.addEventListener("error", () => onConnection(false));
  for (const kind of ["message", "typing", "device"]) {
    source.addEventListener(kind, (event) => onNews(kind, JSON.parse(event.data)));
  }
}
