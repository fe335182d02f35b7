// Live output of a job's node: steps as they begin and end, and what they write.
import { Pen, line } from "./ansi.js";
import { refresh } from "./live.js";
import { span } from "./clock.js";
import { lines } from "./lines.js";

const MOST_LINES = 5000; // of a step that are shown while it runs; the rest is in the whole output
const TONES = { running: "run", success: "ok", failed: "bad", timedout: "bad", infrastructure_fail: "bad", canceled: "off" };
const WORDS = { timedout: "timed out", infrastructure_fail: "infrastructure fail" };

const pens = new Map(); // by step
const rests = new Map(); // an unfinished last line, by step

export function output(address) {
  for (const step of document.querySelectorAll(".step[data-tail]")) watch(step);
  for (const log of document.querySelectorAll(".log[data-lines]")) lines(log);
  if (!address) return;
  for (const log of document.querySelectorAll(".log[data-at]")) {
    const step = Number(log.closest(".step").dataset.step);
    pens.set(step, new Pen());
    rests.set(step, null);
  }
  const source = new EventSource(address);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("step", stepped);
  on("output", wrote);
  on("gap", skipped);
  source.addEventListener("bye", () => {
    source.close();
    for (const shown of document.querySelectorAll(".live")) shown.classList.remove("live");
    refresh();
  });
  addEventListener("pagehide", () => source.close());
}

// A step that is opened gets the end of its output then.
function watch(step) {
  step.addEventListener("toggle", async () => {
    if (!step.open || "loaded" in step.dataset) return;
    step.dataset.loaded = "";
    const answer = await fetch(step.dataset.tail);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = step.querySelector(".unread") ?? step.querySelector(".out");
    shown?.replaceWith(document.importNode(page.querySelector(".out"), true));
    const log = step.querySelector(".log[data-lines]");
    if (log) lines(log);
  });
}

function stepped(told) {
  document.getElementById("unbegun")?.remove();
  let step = document.getElementById(`step-${told.step}`);
  if (!step) {
    step = made(told);
    document.getElementById("steps").append(step);
    watch(step);
  }
  const tone = TONES[told.status] ?? "off";
  step.className = `step ${tone}`;
  const summary = step.querySelector("summary");
  summary.querySelector(".sign").replaceWith(sign(tone, WORDS[told.status] ?? told.status));
  const took = summary.querySelector(".took");
  if (told.ended_at) {
    delete took.dataset.since;
    took.textContent = span((told.ended_at - told.started_at) / 1e6);
    step.querySelector(".log")?.classList.remove("live");
    if (tone === "ok" && !step.contains(document.activeElement)) step.open = false;
  }
  if (told.exit_code && !summary.querySelector(".exit")) {
    const exit = document.createElement("span");
    exit.className = "exit";
    exit.textContent = `exit ${told.exit_code}`;
    took.before(exit);
  }
}

function made(told) {
  const step = document.createElement("details");
  step.id = `step-${told.step}`;
  step.dataset.step = told.step;
  step.dataset.tail = `${location.pathname}/output/${new URLSearchParams(location.search).get("node") ?? 0}/${told.step}/tail`;
  step.dataset.loaded = "";
  step.open = true;
  const summary = step.appendChild(document.createElement("summary"));
  summary.append(sign("run", "running"));
  const name = summary.appendChild(document.createElement("span"));
  name.className = "name";
  name.textContent = told.name;
  const took = summary.appendChild(document.createElement("span"));
  took.className = "took";
  took.dataset.since = told.started_at;
  const out = step.appendChild(document.createElement("div"));
  out.className = "out";
  const log = out.appendChild(document.createElement("ol"));
  log.className = "log live";
  log.tabIndex = 0;
  log.setAttribute("aria-label", `Output of ${told.name}`);
  return step;
}

function wrote(told) {
  const log = document.querySelector(`#step-${told.step} .log`);
  if (!log) return;
  if (log.dataset.at && told.to <= Number(log.dataset.at)) return; // told twice after a break
  log.dataset.at = told.to;
  if (!pens.has(told.step)) pens.set(told.step, new Pen());
  const pen = pens.get(told.step);
  const follow = innerHeight + scrollY >= document.documentElement.scrollHeight - 60;
  const rest = rests.get(told.step);
  const lines = ((rest?.text ?? "") + told.text).split("\n");
  const last = lines.pop();
  const fresh = document.createDocumentFragment();
  if (rest) Object.assign(pen, rest.pen);
  rest?.item.remove();
  for (const text of lines) fresh.append(item(text, pen));
  rests.set(told.step, null);
  if (last) {
    const state = { ...pen };
    const shown = item(last, pen);
    fresh.append(shown);
    rests.set(told.step, { text: last, item: shown, pen: state });
  }
  log.append(fresh);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (follow) scrollTo({ top: document.documentElement.scrollHeight });
}

function item(text, pen) {
  const shown = document.createElement("li");
  shown.append(line(text, pen));
  return shown;
}

function skipped(told) {
  const log = document.querySelector(`#step-${told.step} .log`);
  if (!log) return;
  const note = document.createElement("li");
  note.className = "faint";
  note.textContent = `… ${told.to - told.from} bytes are only in the whole output …`;
  log.append(note);
}

const SIGNS = {
  ok: "M4.6 8.3l2.3 2.3 4.4-4.7",
  bad: "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2",
  run: "M8 3.6a4.4 4.4 0 1 1-4.1 2.8",
  off: "M5 8h6",
};

function sign(tone, word) {
  const make = (name, values) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    return made;
  };
  const drawn = make("svg", { class: `sign ${tone}`, viewBox: "0 0 16 16", width: 16, height: 16, role: "img", "aria-label": word });
  drawn.append(make("circle", { cx: 8, cy: 8, r: 7 }), make("path", { d: SIGNS[tone], class: tone === "run" ? "turning" : "" }));
  return drawn;
}
