// A terminal's screen: what programs write becomes cells, and lines of nodes to look at.  It knows
// what editors and pagers use (cursor, erasing, scroll regions, the other screen, colours); the mouse
// is not told of.
import { Pen } from "./ansi.js";
import { BLANK, cellsOf, columnsOf, line, mark, part } from "./cells.js";

const MOST_KEPT = 2000; // lines that have left the screen
const SEQUENCE =
  /\x1b(?:\[([?>=!]?)([\d;:]*)([ !"$']?)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[#()*+%-/](.)|([0-OQ-WYZ\\`-~]))/y;
const BEGINNING = /^\x1b(?:\[[?>=!]?[\d;:]*[ !"$']?|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[#()*+%-/])?$/;
const LINES = { j: "┘", k: "┐", l: "┌", m: "└", n: "┼", q: "─", t: "├", u: "┤", v: "┴", w: "┬", x: "│", a: "▒", "`": "◆", "~": "·" };

export class Screen {
  // `past` gets the lines that have left the screen, `now` those on it; `answer` types what a
  // program is told that asks the terminal something.
  constructor(past, now, columns, rows, answer) {
    Object.assign(this, { past, now, columns, rows, answer, rest: "", left: [], drawing: 0 });
    this.drawn = () => {};
    this.reset();
  }

  reset() {
    this.pen = new Pen();
    this.modes = { wrap: true, cursor: true, keys: false, paste: false, insert: false };
    this.other = null;
    this.lines = false; // letters stand for lines of boxes
    this.x = this.y = 0;
    this.full = false; // the next letter begins a new line
    this.saved = null;
    this.cells = Array.from({ length: this.rows }, () => []);
    this.region(0, this.rows - 1);
    this.touch();
  }

  resize(columns, rows) {
    if (columns === this.columns && rows === this.rows) return false;
    while (this.cells.length > rows) {
      if (this.y >= rows) {
        this.leave();
        this.y -= 1;
      } else this.cells.pop();
    }
    for (const cells of [this.cells, this.other ?? []]) {
      while (cells.length > rows) cells.shift();
      while (cells.length < rows) cells.push([]);
    }
    this.columns = columns;
    this.rows = rows;
    this.region(0, rows - 1);
    this.to(this.x, this.y);
    this.touch();
    return true;
  }

  feed(text) {
    text = this.rest + text;
    this.rest = "";
    let at = 0;
    while (at < text.length) {
      if (text[at] === "\x1b") {
        SEQUENCE.lastIndex = at;
        const found = SEQUENCE.exec(text);
        if (found) {
          if (found[4]) this.control(found[4], found[1], found[2], found[3]);
          else if (found[5]) this.charset(text[at + 1], found[5]);
          else if (found[6]) this.escape(found[6]);
          at = SEQUENCE.lastIndex;
        } else if (text.length - at < 4096 && BEGINNING.test(text.slice(at))) {
          this.rest = text.slice(at);
          break;
        } else at += 1;
      } else {
        const letter = String.fromCodePoint(text.codePointAt(at));
        at += letter.length;
        if (letter < " " || letter === "\x7f") this.command(letter);
        else this.write(letter);
      }
    }
    this.touch();
  }

  // -- letters --

  write(letter) {
    const width = columnsOf(letter);
    if (width === 0) {
      mark(this.cells[this.y], this.full ? this.x : this.x - 1, letter);
      return;
    }
    const over = this.x + width > this.columns;
    if ((this.full || over) && this.modes.wrap) {
      this.x = 0;
      this.down();
    } else if (over) this.x = this.columns - width;
    this.full = false;
    const row = this.row();
    if (this.lines) letter = LINES[letter] ?? letter;
    part(row, this.x);
    if (!this.modes.insert) part(row, this.x + width);
    row.splice(this.x, this.modes.insert ? 0 : width, ...cellsOf(letter, this.pen.classes));
    this.crop(row);
    this.full = this.x + width === this.columns;
    this.x = Math.min(this.x + width, this.columns - 1);
  }

  crop(row) {
    part(row, this.columns);
    row.length = Math.min(row.length, this.columns);
  }

  row() {
    const row = this.cells[this.y];
    while (row.length < this.x) row.push(BLANK);
    return row;
  }

  command(letter) {
    if (letter === "\r") this.to(0, this.y);
    else if (letter === "\n" || letter === "\v" || letter === "\f") this.down();
    else if (letter === "\b") this.to(this.x - 1, this.y);
    else if (letter === "\t") this.to((Math.floor(this.x / 8) + 1) * 8, this.y);
    else if (letter === "\x0e" || letter === "\x0f") this.lines = false;
  }

  // -- the cursor --

  to(x, y) {
    this.x = Math.max(0, Math.min(this.columns - 1, x));
    this.y = Math.max(0, Math.min(this.rows - 1, y));
    this.full = false;
  }

  down() {
    this.full = false;
    if (this.y === this.bottom) this.scroll(1);
    else this.to(this.x, this.y + 1);
  }

  up() {
    if (this.y === this.top) this.scroll(-1);
    else this.to(this.x, this.y - 1);
  }

  region(top, bottom) {
    [this.top, this.bottom] = top < bottom && bottom < this.rows ? [top, bottom] : [0, this.rows - 1];
  }

  // -- lines --

  scroll(lines) {
    for (let count = Math.min(Math.abs(lines), this.rows); count > 0; count -= 1) {
      if (lines < 0) {
        this.cells.splice(this.bottom, 1);
        this.cells.splice(this.top, 0, []);
      } else {
        if (this.top === 0) this.leave();
        else this.cells.splice(this.top, 1);
        this.cells.splice(this.bottom, 0, []);
      }
    }
  }

  // The first line leaves the screen; of the usual screen one can scroll back to it.
  leave() {
    const row = this.cells.shift();
    if (this.other) return;
    this.left.push(row);
    if (this.left.length > MOST_KEPT) this.left.shift();
  }

  erase(y, from, to) {
    const row = this.cells[y];
    const { ground, inverse } = this.pen;
    const classes = ground === null || inverse ? "" : `g${ground}`;
    part(row, from);
    part(row, to);
    if (!classes && to >= row.length) row.length = Math.min(row.length, from);
    else {
      while (row.length < from) row.push(BLANK);
      for (let x = from; x < to; x += 1) row[x] = [" ", classes];
    }
  }

  blank(from, to) {
    for (let y = from; y < to; y += 1) this.erase(y, 0, this.columns);
  }

  // -- sequences --

  control(name, mark, words, middle) {
    const numbers = words.split(/[;:]/).map((it) => Number(it) || 0);
    const [first, second] = numbers;
    const n = Math.max(1, first);
    if (middle || (mark && name !== "h" && name !== "l")) return;
    if (name === "m") this.pen.apply(words);
    else if (name === "A") this.to(this.x, Math.max(this.y - n, this.y < this.top ? 0 : this.top));
    else if (name === "B" || name === "e") this.to(this.x, Math.min(this.y + n, this.y > this.bottom ? this.rows : this.bottom));
    else if (name === "C" || name === "a") this.to(this.x + n, this.y);
    else if (name === "D") this.to(this.x - n, this.y);
    else if (name === "E") this.to(0, this.y + n);
    else if (name === "F") this.to(0, this.y - n);
    else if (name === "G" || name === "`") this.to(n - 1, this.y);
    else if (name === "d") this.to(this.x, n - 1);
    else if (name === "H" || name === "f") this.to(Math.max(1, second ?? 1) - 1, n - 1);
    else if (name === "J") this.eraseScreen(first);
    else if (name === "K") this.erase(this.y, first === 0 ? this.x : 0, first === 1 ? this.x + 1 : this.columns);
    else if (name === "X") this.erase(this.y, this.x, this.x + n);
    else if (name === "P") this.remove(n);
    else if (name === "@") this.insert(n);
    else if (name === "L") this.shift(n, 0);
    else if (name === "M") this.shift(0, n);
    else if (name === "S") this.scroll(n);
    else if (name === "T") this.scroll(-n);
    else if (name === "r") {
      this.region(n - 1, (second || this.rows) - 1);
      this.to(0, 0);
    } else if (name === "s") this.save();
    else if (name === "u") this.restore();
    else if (name === "h" || name === "l") for (const mode of numbers) this.mode(mark + mode, name === "h");
    else if (name === "n" && first === 6) this.answer(`\x1b[${this.y + 1};${this.x + 1}R`);
    else if (name === "n" && first === 5) this.answer("\x1b[0n");
    else if (name === "c") this.answer("\x1b[?1;2c");
  }

  insert(n) {
    const row = this.row();
    part(row, this.x);
    row.splice(this.x, 0, ...Array.from({ length: Math.min(n, this.columns) }, () => BLANK));
    this.crop(row);
  }

  remove(n) {
    const row = this.row();
    part(row, this.x);
    part(row, this.x + n);
    row.splice(this.x, n);
  }

  // Lines come in at the cursor, or go there; they do not go where one can scroll back to.
  shift(come, go) {
    if (this.y < this.top || this.y > this.bottom) return;
    const moved = Math.min(come + go, this.bottom - this.y + 1);
    const fresh = Array.from({ length: moved }, () => []);
    this.cells.splice(come ? this.bottom - moved + 1 : this.y, moved);
    this.cells.splice(come ? this.y : this.bottom - moved + 1, 0, ...fresh);
  }

  eraseScreen(what) {
    if (what === 3) {
      this.left = [];
      this.past.replaceChildren();
      return;
    }
    if (what !== 1) {
      this.erase(this.y, what === 2 ? 0 : this.x, this.columns);
      this.blank(this.y + 1, this.rows);
    }
    if (what > 0) {
      this.blank(0, this.y);
      if (what === 1) this.erase(this.y, 0, this.x + 1);
    }
  }

  mode(name, on) {
    if (name === "?1") this.modes.keys = on;
    else if (name === "4") this.modes.insert = on;
    else if (name === "?7") this.modes.wrap = on;
    else if (name === "?25") this.modes.cursor = on;
    else if (name === "?2004") this.modes.paste = on;
    else if (name === "?1048") on ? this.save() : this.restore();
    else if (name === "?47" || name === "?1047" || name === "?1049") this.swap(on);
  }

  swap(on) {
    if (on === Boolean(this.other)) return;
    if (on) {
      this.save();
      this.other = this.cells;
      this.cells = Array.from({ length: this.rows }, () => []);
    } else {
      this.cells = this.other;
      this.other = null;
      this.restore();
    }
    this.region(0, this.rows - 1);
  }

  escape(name) {
    if (name === "7") this.save();
    else if (name === "8") this.restore();
    else if (name === "D") this.down();
    else if (name === "E") this.down(this.to(0, this.y));
    else if (name === "M") this.up();
    else if (name === "c") this.reset();
  }

  charset(which, name) {
    if (which === "(") this.lines = name === "0";
  }

  save() {
    this.saved = { x: this.x, y: this.y, pen: Object.assign(new Pen(), this.pen) };
  }

  restore() {
    if (!this.saved) return this.to(0, 0);
    this.pen = Object.assign(new Pen(), this.saved.pen);
    return this.to(this.saved.x, this.saved.y);
  }

  // -- what is seen --

  // Draws all that has changed, once for each picture that the browser shows.
  touch() {
    this.drawing ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = 0;
    this.past.append(...this.left.map((row) => line(row)));
    this.left = [];
    while (this.past.childElementCount > MOST_KEPT) this.past.firstChild.remove();
    const cursor = this.modes.cursor ? this.y : -1;
    this.now.replaceChildren(...this.cells.map((row, y) => line(row, y === cursor ? this.x : -1)));
    this.drawn();
  }
}
