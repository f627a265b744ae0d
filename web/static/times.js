// Puts every <time> into the reader's own words and zone, and keeps "5 minutes ago" true.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function spoken(moment) {
  const seconds = (moment - Date.now()) / 1000;
  if (Math.abs(seconds) > 6 * 86400) return exact.format(moment);
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return seconds > 0 ? "in less than a minute" : "just now";
}

export function sayTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    element.title = exact.format(moment);
    element.textContent = "exact" in element.dataset ? exact.format(moment) : spoken(moment);
  }
}

sayTimes();
setInterval(sayTimes, 30_000);
