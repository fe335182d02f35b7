// The whole of a long output: only the lines in sight are in the page, the rest comes as one scrolls.
import { Pen, line } from "./ansi.js";

const ROW = 19; // px, as `.log-row` in the style sheet
const PAGE = 200; // lines that the server gives at once
const TALLEST = 15_000_000; // px; browsers draw nothing beyond some height
const MOST_PAGES = 30; // that are kept

// Puts the viewer in the place of an output's end, as soon as its first lines are there.
export async function lines(log) {
  const view = new View(log);
  const asked = new RegExp(`^#step-${view.step}-(\\d+)$`).exec(location.hash);
  try {
    await view.page(0);
  } catch {
    return; // the end stays, with its links
  }
  view.show(asked ? Number(asked[1]) - 1 : view.total);
  if (asked) view.mark(Number(asked[1]) - 1);
}

class View {
  constructor(log) {
    Object.assign(this, { log, address: log.dataset.lines, total: 0, pages: new Map(), found: [], marked: -1 });
    this.step = log.closest(".step").dataset.step;
    this.box = part("div", "lines");
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", log.getAttribute("aria-label"));
    this.space = this.box.appendChild(part("div", "space"));
    this.rows = this.space.appendChild(part("div", "log-rows"));
    this.box.addEventListener("scroll", () => this.draw());
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  page(number) {
    let page = this.pages.get(number);
    if (!page) {
      page = this.fetch(number).catch((error) => {
        this.pages.delete(number);
        throw error;
      });
    }
    this.pages.delete(number);
    this.pages.set(number, page);
    while (this.pages.size > MOST_PAGES) this.pages.delete(this.pages.keys().next().value);
    return page;
  }

  async fetch(number) {
    const answer = await fetch(`${this.address}/lines?from=${number * PAGE}`);
    if (!answer.ok) throw new Error(answer.statusText);
    const page = await answer.json();
    this.total = page.total;
    return page;
  }

  get sight() {
    return Math.floor(this.box.clientHeight / ROW);
  }

  get height() {
    return Math.min(TALLEST, this.total * ROW);
  }

  get first() {
    const way = this.height - this.box.clientHeight;
    return way <= 0 ? 0 : Math.round((this.box.scrollTop / way) * Math.max(0, this.total - this.sight));
  }

  show(number) {
    this.log.parentElement.querySelector(".cut")?.remove();
    this.log.before(this.bar());
    this.log.replaceWith(this.box);
    this.space.style.height = `${this.height}px`;
    this.go(number);
  }

  // Brings a line to the upper third.
  go(number) {
    const top = Math.max(0, number - Math.floor(this.sight / 3));
    const last = Math.max(1, this.total - this.sight);
    this.box.scrollTop = (Math.min(top, last) / last) * (this.height - this.box.clientHeight);
    return this.draw();
  }

  mark(number) {
    this.marked = number;
    return this.go(number);
  }

  async draw() {
    const first = this.first;
    const end = Math.min(this.total, first + this.sight + 1);
    const from = Math.floor(first / PAGE);
    const to = Math.floor(Math.max(first, end - 1) / PAGE);
    const pages = [];
    try {
      for (let at = from; at <= to; at += 1) pages.push(await this.page(at));
    } catch {
      this.told.textContent = "The lines could not be read; scroll to try again.";
      return;
    }
    if (first !== this.first) return; // scrolled on meanwhile: another drawing is under way
    const fresh = document.createDocumentFragment();
    for (const page of pages) {
      const pen = new Pen();
      page.lines.forEach((text, at) => {
        const content = line(text, pen);
        const number = page.first + at;
        if (number >= first && number < end) fresh.append(this.row(number, content, page.cut.includes(number)));
      });
    }
    this.rows.replaceChildren(fresh);
  }

  row(number, content, cut) {
    const row = part("div", number === this.marked ? "log-row marked" : "log-row");
    const link = row.appendChild(part("a", "log-number", number + 1));
    link.href = `#step-${this.step}-${number + 1}`;
    link.tabIndex = -1;
    link.addEventListener("click", () => this.mark(number));
    row.append(content);
    if (cut) row.appendChild(part("a", "faint", " … this line is longer: whole output")).href = this.address;
    return row;
  }

  bar() {
    const bar = part("form", "find");
    this.field = bar.appendChild(part("input", ""));
    this.field.type = "search";
    this.field.maxLength = 200;
    this.field.placeholder = "Search this output";
    this.field.setAttribute("aria-label", "Search this output");
    const error = bar.appendChild(part("button", "button", "First error"));
    error.type = "button";
    error.addEventListener("click", () => this.find(""));
    this.told = bar.appendChild(part("span", "faint", `${this.total.toLocaleString("en")} lines`));
    this.told.setAttribute("role", "status");
    bar.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.field.value) this.find(this.field.value);
    });
    return bar;
  }

  // Goes to the next line that has the text; without one to the first that tells of an error.
  async find(text) {
    if (!text || text !== this.sought) {
      this.told.textContent = "Searching…";
      const answer = await fetch(`${this.address}/find?${new URLSearchParams({ q: text })}`);
      if (!answer.ok) {
        this.told.textContent = "The search failed; try again.";
        return;
      }
      Object.assign(this, await answer.json(), { sought: text, at: -1 });
    }
    if (!this.found.length) {
      this.told.textContent = text ? "Not found" : "No line tells of an error";
      return;
    }
    this.at = (this.at + 1) % this.found.length;
    const number = this.found[this.at];
    this.told.textContent = text ? `${this.at + 1} of ${this.found.length}${this.more ? "+" : ""}, line ${number + 1}` : `Line ${number + 1}`;
    await this.mark(number);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const scroll = (rows) => this.box.scrollBy({ top: (rows * this.height) / this.total });
    const keys = { j: () => scroll(1), k: () => scroll(-1), e: () => this.find(""), "/": () => this.field.select() };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "/") this.field.focus();
    keys[event.key]();
  }
}

function part(name, classes, text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}
