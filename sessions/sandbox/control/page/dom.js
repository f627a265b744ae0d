// Small helpers to build and find elements. Text is always set as text, never as markup.

export const find = (selector) => document.querySelector(selector);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function face(name, number) {
  const initials = name.split(/\s+/).slice(0, 2).map((word) => word[0] ?? "").join("").replace("+", "#");
  const circle = make("span", { class: "face", "aria-hidden": "true" }, initials.toUpperCase());
  const sum = [...number].reduce((total, digit) => (total * 31 + digit.charCodeAt(0)) % 9973, 7);
  circle.style.setProperty("--hue", String((sum * 137) % 360));
  return circle;
}

export function badge(count, what) {
  return count ? make("span", { class: "badge", "aria-label": `${count} ${what}` }, String(count)) : null;
}
