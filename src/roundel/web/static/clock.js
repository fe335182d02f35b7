// Times that go on: how long something has taken, and how long ago something was.

export function span(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86400)}d ${two(Math.floor((whole % 86400) / 3600))}h`;
}

function ago(seconds) {
  for (const [length, name] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${name} ago`;
  }
  return "just now";
}

export function times() {
  tick();
  setInterval(tick, 1000);
}

function tick() {
  if (document.hidden) return;
  const now = Date.now() / 1000;
  for (const shown of document.querySelectorAll("[data-since]")) {
    const text = span(Math.max(0, now - Number(shown.dataset.since) / 1e6));
    if (shown.textContent !== text) shown.textContent = text;
  }
  for (const shown of document.querySelectorAll("time[data-at]")) {
    const text = ago(Math.max(0, now - Number(shown.dataset.at) / 1e6));
    if (shown.textContent !== text) shown.textContent = text;
  }
}
