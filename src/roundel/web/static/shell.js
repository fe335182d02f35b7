// A shell in a job that runs: a terminal below the head of its page.  What is typed goes over a
// WebSocket; the first frame carries the token of the page's forms.
import { Screen } from "./terminal.js";

const PIECE = 4096; // letters of a paste in one frame
const KEYS = {
  Enter: "\r", Backspace: "\x7f", Escape: "\x1b", Tab: "\t", Insert: "\x1b[2~", Delete: "\x1b[3~",
  PageUp: "\x1b[5~", PageDown: "\x1b[6~", F1: "\x1bOP", F2: "\x1bOQ", F3: "\x1bOR", F4: "\x1bOS",
  F5: "\x1b[15~", F7: "\x1b[18~", F8: "\x1b[19~", F9: "\x1b[20~", F10: "\x1b[21~",
};
const ARROWS = { ArrowUp: "A", ArrowDown: "B", ArrowRight: "C", ArrowLeft: "D", Home: "H", End: "F" };
const CONTROLS = { " ": 0, "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "/": 31, _: 31 };

let open = null;

export function shell(button) {
  if (open) open.field.focus();
  else open = new Terminal(button);
}

class Terminal {
  constructor(button) {
    this.opener = button.id;
    this.build();
    document.getElementById("top").after(this.place);
    const { columns, rows } = this.size();
    const [past, now] = this.sheet.children;
    this.screen = new Screen(past, now, columns, rows, (text) => this.send(text));
    this.screen.drawn = () => this.follow();
    this.listen();
    this.connect(button.dataset.shell, columns, rows);
    this.watching = new ResizeObserver(() => this.fit());
    this.watching.observe(this.sheet);
    this.field.focus({ preventScroll: true });
    requestAnimationFrame(() => this.place.scrollIntoView({ block: "nearest" }));
  }

  build() {
    this.place = make("section", { id: "shell", className: "left shell" });
    this.place.setAttribute("aria-labelledby", "shell-head");
    const bar = make("div", { className: "shell-bar" });
    this.said = make("span", { className: "faint", textContent: "Calling the job’s runner…" });
    this.said.setAttribute("role", "status");
    this.close = make("button", { className: "button", type: "button", textContent: "Close" });
    bar.append(make("h2", { id: "shell-head", textContent: "Shell" }), this.said, this.close);
    const note = make("p", { id: "shell-note", className: "faint" });
    note.textContent =
      "Keys go to the job. Shift+Tab leaves the terminal, Close ends the shell. It can read the job’s secrets; who opened it is in the audit log.";
    this.sheet = make("div", { className: "log term", tabIndex: 0 });
    this.sheet.setAttribute("role", "log");
    this.sheet.setAttribute("aria-label", "What the shell prints");
    this.sheet.append(make("div", {}), make("div", {}));
    this.field = make("textarea", { className: "term-keys", autocapitalize: "off", spellcheck: false });
    this.field.setAttribute("aria-label", "Keys for the shell");
    this.field.setAttribute("aria-describedby", "shell-note");
    this.field.setAttribute("autocomplete", "off");
    this.field.setAttribute("autocorrect", "off");
    this.frame = make("div", { className: "term-frame" });
    this.frame.append(this.sheet, this.field);
    this.place.append(bar, note, this.frame);
  }

  listen() {
    const { field } = this;
    this.close.addEventListener("click", () => this.leave());
    this.sheet.addEventListener("mouseup", () => String(getSelection()) || field.focus());
    this.sheet.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        field.focus();
      }
    });
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("beforeinput", (event) => {
      if (event.inputType !== "deleteContentBackward" || field.value) return;
      event.preventDefault();
      this.send("\x7f");
    });
    field.addEventListener("input", (event) => event.isComposing || this.typed());
    field.addEventListener("compositionend", () => this.typed());
    field.addEventListener("paste", (event) => {
      event.preventDefault();
      this.paste(event.clipboardData.getData("text"));
    });
  }

  connect(path, columns, rows) {
    const decoder = new TextDecoder();
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      const token = document.querySelector("[name=form_token]").value;
      socket.send(JSON.stringify({ form_token: token, columns, rows }));
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") {
        const { end } = JSON.parse(data);
        if (end) this.ended(end);
      } else {
        if (!this.connected) this.say("Connected.");
        this.connected = true;
        this.screen.feed(decoder.decode(data, { stream: true }));
      }
    });
    socket.addEventListener("close", () => {
      this.ended(
        this.connected
          ? "The connection to the server was lost, and the shell has ended."
          : "The server has not let this page in. Reload it, and sign in again if it asks you to.",
      );
    });
    this.socket = socket;
  }

  // -- what is typed --

  key(event) {
    if (event.isComposing || event.metaKey || event.key === "F6" || event.key === "F11" || event.key === "F12") return;
    if (event.key === "Tab" && event.shiftKey) return;
    const text = this.sequence(event);
    if (text === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.send(text);
  }

  sequence({ key, ctrlKey, altKey, shiftKey }) {
    if (ARROWS[key]) {
      const held = 1 + (shiftKey ? 1 : 0) + (altKey ? 2 : 0) + (ctrlKey ? 4 : 0);
      if (held > 1) return `\x1b[1;${held}${ARROWS[key]}`;
      return `\x1b${this.screen.modes.keys ? "O" : "["}${ARROWS[key]}`;
    }
    if (KEYS[key]) return (altKey ? "\x1b" : "") + KEYS[key];
    if (ctrlKey && !altKey) {
      if (key.length !== 1 || (shiftKey && /[a-z]/i.test(key))) return null; // the browser’s own
      if (/v/i.test(key) || (/c/i.test(key) && String(getSelection()))) return null;
      const code = /[a-z]/i.test(key) ? key.toUpperCase().charCodeAt(0) - 64 : CONTROLS[key];
      return code === undefined ? null : String.fromCharCode(code);
    }
    return altKey && !ctrlKey && key.length === 1 ? `\x1b${key}` : null;
  }

  typed() {
    this.send(this.field.value.replaceAll("\n", "\r"));
    this.field.value = "";
  }

  paste(text) {
    text = text.replace(/\r?\n/g, "\r").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "");
    this.send(this.screen.modes.paste ? `\x1b[200~${text}\x1b[201~` : text);
  }

  send(text) {
    if (!text || this.socket?.readyState !== WebSocket.OPEN) return;
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += PIECE) this.socket.send(bytes.slice(at, at + PIECE));
  }

  // -- the window --

  size() {
    const probe = this.sheet.appendChild(make("span", { textContent: "0".repeat(50) }));
    const { width } = probe.getBoundingClientRect();
    probe.remove();
    const { paddingLeft, lineHeight } = getComputedStyle(this.sheet);
    const room = this.sheet.clientWidth - 2 * parseFloat(paddingLeft);
    return {
      columns: Math.max(20, Math.floor(room / (width / 50))),
      rows: Math.max(8, Math.min(40, Math.floor((innerHeight * 0.6) / parseFloat(lineHeight)))),
    };
  }

  fit() {
    const { columns, rows } = this.size();
    if (this.screen.resize(columns, rows) && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ columns, rows }));
    }
  }

  follow() {
    this.sheet.scrollTop = this.sheet.scrollHeight;
  }

  // -- the end --

  say(text) {
    this.said.textContent = text;
  }

  ended(why) {
    if (this.over) return;
    this.over = true;
    this.say(why);
    this.field.disabled = true;
    this.frame.classList.add("over");
    this.socket.close();
  }

  leave() {
    this.over = true;
    this.socket.close();
    this.watching.disconnect();
    this.place.remove();
    open = null;
    document.getElementById(this.opener)?.focus();
  }
}

function make(kind, facts) {
  return Object.assign(document.createElement(kind), facts);
}
