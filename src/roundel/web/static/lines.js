// A step's output: only the lines in sight are in the page, the rest comes as one scrolls.  While the
// step runs, what it writes is put behind the last line.
import { Pen, line } from "./ansi.js";
import { bar, part, wanted } from "./linebar.js";

const ROW = 19; // px, as `.log-row` in the style sheet
const PAGE = 200; // lines that the server gives at once
const TALLEST = 15_000_000; // px; browsers draw nothing beyond some height
const MOST_PAGES = 30; // that are kept
const MOST_FRESH = 5000; // lines that came by the stream and are kept; older ones are fetched
const WHOLE = 2000; // lines; when wrapped, no more are all in the page
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// Puts the viewer in the place of an output's end, as soon as its first lines are there.  Returns it.
// An output that is `empty` is asked for nowhere: of its step, which has just begun, all is told.
export function lines(log, live, empty) {
  const view = new View(log, live);
  if (empty) view.fresh = { first: 0, lines: [], at: [], cut: new Set() };
  view.begun = view.begin();
  return view;
}

class View {
  constructor(log, live) {
    Object.assign(this, { log, live, total: 0, size: 0, ragged: false, follow: live, marked: -1, missed: 0, pages: new Map() });
    this.step = log.closest(".step").dataset.step;
    this.address = log.dataset.lines;
    this.fresh = null; // of a step that runs: its last lines, the number of the first, when they came
    this.box = part("div", "log lines");
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", log.getAttribute("aria-label"));
    this.space = this.box.appendChild(part("div", "space"));
    this.rows = this.space.appendChild(part("div", "log-rows"));
    this.box.addEventListener("scroll", () => this.scrolled());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.sized = new ResizeObserver(() => (this.follow ? this.end() : this.draw()));
  }

  async begin() {
    const asked = new RegExp(`^#step-${this.step}-(\\d+)$`).exec(location.hash);
    try {
      if (!this.fresh) await this.load();
      // What will be in sight is there before the box is, so that nobody sees an empty one.
      const first = Math.min(asked ? Number(asked[1]) : this.total, this.total) - 1;
      if (!this.fresh && first >= 0) await this.page(Math.floor(first / PAGE));
    } catch {
      return; // the end stays, with its links
    }
    this.log.parentElement.querySelector(".cut")?.remove();
    this.bar = bar(this);
    this.log.before(this.bar.form);
    this.log.replaceWith(this.box);
    this.wrap(wanted("wrap"));
    this.shown = true;
    await (asked ? this.mark(Number(asked[1]) - 1) : this.end());
    this.sized.observe(this.box);
  }

  // Learns how long the output is and, while it grows, what its last lines are.
  async load() {
    let page = await this.fetch(0);
    if (!this.live) return void this.pages.set(0, page);
    while (page.first + page.lines.length < page.total) page = await this.fetch(Math.floor((page.total - 1) / PAGE));
    if (this.size < this.missed) return this.load();
    const at = page.lines.map((_, index) => timeOf(page, page.first + index));
    this.fresh = { first: page.first, lines: [...page.lines], at, cut: new Set(page.cut) };
    return undefined;
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
    if (page.size >= this.size && !this.fresh) Object.assign(this, { total: page.total, size: page.size, ragged: page.ragged });
    return page;
  }

  // Takes what the step has written; what does not fit to what is here is fetched.
  async append(told) {
    await this.begun;
    this.missed = told.to;
    if (!this.fresh || told.to <= this.size) return undefined;
    if (told.from !== this.size) return this.again();
    const now = Date.now() * 1000;
    const { lines: kept, at } = this.fresh;
    told.text.split("\n").forEach((text, index) => {
      if (index === 0 && this.ragged) kept[kept.length - 1] += text;
      else {
        kept.push(text);
        at.push(now);
      }
    });
    this.ragged = !told.text.endsWith("\n");
    if (!this.ragged) {
      kept.pop();
      if (at.length > kept.length) at.pop();
    }
    this.size = told.to;
    this.total = this.fresh.first + kept.length;
    const over = kept.length - MOST_FRESH;
    if (over > PAGE) {
      kept.splice(0, over);
      at.splice(0, over);
      this.fresh.first += over;
    }
    return this.grown();
  }

  // Fetches the last lines: something was not told, or told in parts that do not fit.
  async again() {
    await this.begun;
    if (this.loading || !this.live) return;
    this.loading = true;
    this.fresh = null;
    try {
      await this.load();
    } catch {
      this.bar?.tell("The lines could not be read.");
    }
    this.loading = false;
    this.grown();
  }

  grown() {
    if (!this.shown || this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.bar.count();
      if (this.follow) this.end();
      else this.draw();
    });
  }

  // The step has ended: all of it can be fetched.
  ended() {
    this.live = this.follow = false;
    this.bar?.ended();
  }

  get sight() {
    return Math.floor(this.box.clientHeight / ROW);
  }

  get height() {
    return Math.min(TALLEST, this.total * ROW);
  }

  get whole() {
    return this.wrapped && this.total <= WHOLE;
  }

  // Which line is at the top, as a number with what is above of it.
  get place() {
    const way = this.space.offsetHeight - this.box.clientHeight;
    return way <= 0 ? 0 : Math.min(1, this.box.scrollTop / way) * Math.max(0, this.total - this.sight);
  }

  wrap(on) {
    this.wrapped = on;
    this.box.classList.toggle("wrapped", on);
    if (this.shown) this.go(Math.round(this.place) + Math.floor(this.sight / 3));
  }

  stretch() {
    this.box.classList.toggle("whole", this.whole);
    this.space.style.height = this.whole ? "" : `${this.height}px`;
  }

  // Brings a line to the upper third.
  async go(number) {
    this.stretch();
    if (this.whole) {
      await this.draw();
      const row = this.rows.children[Math.min(number, this.total - 1)];
      if (row) this.box.scrollTop = row.offsetTop - this.box.clientHeight / 3;
      return;
    }
    const top = Math.max(0, number - Math.floor(this.sight / 3));
    const last = Math.max(1, this.total - this.sight);
    this.box.scrollTop = (Math.min(top, last) / last) * (this.height - this.box.clientHeight);
    await this.draw();
  }

  async end() {
    this.stretch();
    if (this.whole) await this.draw();
    this.box.scrollTop = this.box.scrollHeight;
    await this.draw();
  }

  mark(number) {
    this.marked = number;
    this.bar.following(false);
    return this.go(number);
  }

  scrolled() {
    const rest = this.box.scrollHeight - this.box.clientHeight - this.box.scrollTop;
    if (this.live && !this.waits) this.bar.following(rest < ROW);
    if (!this.whole) this.draw();
  }

  async draw() {
    if (!this.shown) return;
    this.stretch();
    const place = this.whole ? 0 : this.place;
    const first = this.whole ? 0 : this.wrapped ? Math.floor(place) : Math.round(place);
    const end = this.whole ? this.total : Math.min(this.total, first + this.sight + 1);
    const run = (this.run = (this.run ?? 0) + 1);
    const fresh = document.createDocumentFragment();
    try {
      for (let at = first; at < end;) at = await this.put(fresh, at, end);
    } catch {
      this.bar.tell("The lines could not be read; scroll to try again.");
      return;
    }
    if (run !== this.run) return; // scrolled on meanwhile: another drawing is under way
    this.rows.replaceChildren(fresh);
    this.shift(place - first);
  }

  // Adds lines from `from` on, up to the end of where they are kept together; returns what is next.
  async put(into, from, end) {
    const kept = this.fresh && from >= this.fresh.first ? this.fresh : await this.page(Math.floor(from / PAGE));
    const upto = Math.min(end, kept.first + kept.lines.length);
    if (upto <= from) {
      if (kept === this.fresh) return end;
      this.pages.delete(Math.floor(from / PAGE)); // it was not full when it was fetched
      const anew = await this.page(Math.floor(from / PAGE));
      if (anew.first + anew.lines.length <= from) return end;
      return from;
    }
    const pen = new Pen();
    for (let number = Math.max(kept.first, from - PAGE); number < upto; number += 1) {
      const content = line(kept.lines[number - kept.first].slice(0, 4096), pen);
      if (number < from) continue;
      const cut = kept.cut.has ? kept.cut.has(number) : kept.cut.includes(number);
      const at = kept.at ? kept.at[number - kept.first] : timeOf(kept, number);
      into.append(this.row(number, content, cut, at));
    }
    return upto;
  }

  // Where lines are wrapped, a part of the first may be above what is in sight.  At the end the
  // browser moves the rows up by itself, as they stick to the top and may not leave their space.
  shift(part) {
    if (!this.wrapped || this.whole) {
      this.rows.style.transform = "";
      return;
    }
    const moved = Math.max(0, this.box.scrollTop + this.rows.offsetHeight - this.space.offsetHeight);
    const up = part * (this.rows.firstElementChild?.offsetHeight ?? 0) - moved;
    this.rows.style.transform = up > 0 ? `translateY(${-up}px)` : "";
  }

  row(number, content, cut, at) {
    const row = part("div", number === this.marked ? "log-row marked" : "log-row");
    const link = row.appendChild(part("a", "log-number", number + 1));
    link.href = `#step-${this.step}-${number + 1}`;
    link.tabIndex = -1;
    link.addEventListener("click", () => this.mark(number));
    const text = row.appendChild(part("span", "log-text"));
    if (at) {
      text.dataset.time = clock.format(at / 1000);
      link.title = new Date(at / 1000).toISOString();
    }
    text.append(content);
    if (cut) text.appendChild(part("a", "faint", " … this line is longer: whole output")).href = this.address;
    return row;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const scroll = (rows) => this.box.scrollBy({ top: this.whole ? rows * ROW : (rows * this.height) / this.total });
    const keys = {
      j: () => scroll(1),
      k: () => scroll(-1),
      e: () => this.bar.find(""),
      w: () => this.bar.toggle("wrap"),
      t: () => this.bar.toggle("times"),
      "/": () => this.bar.focus(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }
}

// When a line of a page came: as the last one before it that says.
function timeOf(page, number) {
  let found = 0;
  for (const [from, at] of page.times) if (from <= number) found = at;
  return found;
}
