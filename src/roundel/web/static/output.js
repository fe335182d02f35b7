// Live output of a job's node: steps as they begin and end, and what they write.
import { refresh } from "./live.js";
import { span } from "./clock.js";
import { lines } from "./lines.js";

const TONES = { running: "run", success: "ok", failed: "bad", timedout: "bad", infrastructure_fail: "bad", canceled: "off" };
const WORDS = { timedout: "timed out", infrastructure_fail: "infrastructure fail" };

const views = new Map(); // by step

export function output(address) {
  for (const step of document.querySelectorAll(".step[data-tail]")) watch(step);
  for (const log of document.querySelectorAll(".log[data-lines]")) look(log, "live" in log.dataset);
  if (!address) return;
  const source = new EventSource(address);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("step", stepped);
  on("output", (told) => views.get(told.step)?.append(told));
  on("gap", (told) => views.get(told.step)?.again());
  source.addEventListener("bye", () => {
    source.close();
    for (const view of views.values()) view.ended();
    refresh();
  });
  addEventListener("pagehide", () => source.close());
}

function look(log, live, empty = false) {
  views.set(Number(log.closest(".step").dataset.step), lines(log, live, empty));
}

// A step that is opened gets the end of its output then; one that was opened before this script
// was there gets it at once.
function watch(step) {
  step.addEventListener("toggle", () => load(step));
  load(step);
}

async function load(step) {
  if (!step.open || "loaded" in step.dataset) return;
  step.dataset.loaded = "";
  const answer = await fetch(step.dataset.tail);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const shown = step.querySelector(".unread") ?? step.querySelector(".out");
  shown?.replaceWith(document.importNode(page.querySelector(".out"), true));
  const log = step.querySelector(".log[data-lines]");
  if (log) look(log, "live" in log.dataset);
}

function stepped(told) {
  document.getElementById("unbegun")?.remove();
  let step = document.getElementById(`step-${told.step}`);
  if (!step) {
    step = made(told);
    document.getElementById("steps").append(step);
    watch(step);
    look(step.querySelector(".log"), true, true);
  }
  const tone = TONES[told.status] ?? "off";
  step.className = `step ${tone}`;
  const summary = step.querySelector("summary");
  summary.querySelector(".sign").replaceWith(sign(tone, WORDS[told.status] ?? told.status));
  const took = summary.querySelector(".took");
  if (told.ended_at) {
    delete took.dataset.since;
    took.textContent = span((told.ended_at - told.started_at) / 1e6);
    views.get(told.step)?.ended();
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
  step.className = "step"; // by which its log finds it
  step.dataset.step = told.step;
  const raw = `${location.pathname}/output/${new URLSearchParams(location.search).get("node") ?? 0}/${told.step}`;
  step.dataset.tail = `${raw}/tail`;
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
  log.className = "log";
  log.dataset.lines = raw;
  log.tabIndex = 0;
  log.setAttribute("aria-label", `Output of ${told.name}`);
  return step;
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
