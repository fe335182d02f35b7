// Terminal output as nodes: colours as classes, everything else as text.  `web/ansi.py` says the
// same to pages that are made on the server.

const ESCAPE = new RegExp(
  "\\x1b\\[([0-9;:]*)([@-~])" +
    "|\\x1b\\[[0-?]*[ -/]*[@-~]?" +
    "|\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)?" +
    "|\\x1b[PX^_][^\\x1b]*(?:\\x1b\\\\)?" +
    "|\\x1b[ -/]*[0-~]?",
  "g",
);
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
const CUBE = [0, 95, 135, 175, 215, 255];
const BASIC = [
  [0, 0, 0], [205, 49, 49], [13, 188, 121], [229, 229, 16],
  [36, 114, 200], [188, 63, 188], [17, 168, 205], [229, 229, 229],
  [102, 102, 102], [241, 76, 76], [35, 209, 139], [245, 245, 67],
  [59, 142, 234], [214, 112, 214], [41, 184, 219], [255, 255, 255],
];
const FLAGS = { 1: ["b", true], 2: ["d", true], 3: ["i", true], 23: ["i", false], 4: ["u", true], 24: ["u", false], 7: ["inverse", true], 27: ["inverse", false] };

export class Pen {
  constructor() {
    this.reset();
  }

  reset() {
    Object.assign(this, { ink: null, ground: null, b: false, d: false, i: false, u: false, inverse: false });
  }

  get classes() {
    const [ink, ground] = this.inverse ? [this.ground, this.ink] : [this.ink, this.ground];
    const names = [];
    if (ink !== null) names.push(`f${ink}`);
    if (ground !== null) names.push(`g${ground}`);
    if (this.inverse && ink === null && ground === null) names.push("inv");
    for (const flag of ["b", "d", "i", "u"]) if (this[flag]) names.push(flag);
    return names.join(" ");
  }

  apply(codes) {
    const numbers = codes.split(/[;:]/).map((it) => (/^\d{1,5}$/.test(it) ? Number(it) : 0));
    for (let at = 0; at < numbers.length; at += 1) {
      const code = numbers[at];
      if (code === 38 || code === 48) {
        const [colour, length] = extended(numbers, at);
        this[code === 38 ? "ink" : "ground"] = colour;
        at += length - 1;
      } else this.one(code);
    }
  }

  one(code) {
    if (code === 0) this.reset();
    else if (code >= 30 && code <= 37) this.ink = code - 30;
    else if (code >= 90 && code <= 97) this.ink = code - 82;
    else if (code >= 40 && code <= 47) this.ground = code - 40;
    else if (code >= 100 && code <= 107) this.ground = code - 92;
    else if (code === 39) this.ink = null;
    else if (code === 49) this.ground = null;
    else if (code === 22) this.b = this.d = false;
    else if (FLAGS[code]) this[FLAGS[code][0]] = FLAGS[code][1];
  }
}

function extended(numbers, at) {
  if (numbers[at + 1] === 5 && at + 2 < numbers.length) return [of256(numbers[at + 2]), 3];
  if (numbers[at + 1] === 2 && at + 4 < numbers.length) {
    return [nearest(numbers[at + 2], numbers[at + 3], numbers[at + 4]), 5];
  }
  return [null, numbers.length];
}

function of256(number) {
  if (number < 16) return number;
  if (number < 232) {
    const cube = number - 16;
    return nearest(CUBE[Math.floor(cube / 36)], CUBE[Math.floor(cube / 6) % 6], CUBE[cube % 6]);
  }
  if (number > 255) return null;
  const grey = 8 + 10 * (number - 232);
  return nearest(grey, grey, grey);
}

function nearest(red, green, blue) {
  let best = 0;
  let least = Infinity;
  BASIC.forEach(([r, g, b], at) => {
    const far = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (far < least) [best, least] = [at, far];
  });
  return best;
}

// Returns one line's nodes; the pen goes on to the next line.
export function line(text, pen) {
  const found = document.createDocumentFragment();
  text = text.replace(/\r+$/, "");
  const back = text.lastIndexOf("\r");
  if (back >= 0) {
    for (const [, codes, end] of text.slice(0, back).matchAll(ESCAPE)) if (end === "m") pen.apply(codes);
    text = text.slice(back + 1);
  }
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    write(found, text.slice(at, match.index), pen);
    if (match[2] === "m") pen.apply(match[1]);
    at = match.index + match[0].length;
  }
  write(found, text.slice(at), pen);
  return found;
}

function write(into, text, pen) {
  text = text.replace(CONTROLS, "");
  if (!text) return;
  const classes = pen.classes;
  if (!classes) {
    into.append(text);
    return;
  }
  const span = document.createElement("span");
  span.className = classes;
  span.textContent = text;
  into.append(span);
}
