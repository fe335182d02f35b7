// Keys, as in the tools that engineers know: `/` searches, `j` and `k` walk through rows.

const HELP = [
  ["/", "Search"],
  ["p", "Choose a project"],
  ["j  k", "Next, previous row"],
  ["Enter", "Open the row"],
  ["g p", "All pipelines"],
  ["e  w  t", "In an output: first error, wrap lines, times"],
  ["?", "These keys"],
];
let before = "";

export function keys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    const pair = before + event.key;
    before = event.key === "g" ? "g" : "";
    if (pair === "gp") location.assign("/pipelines");
    else if (event.key === "/") focus(document.querySelector(".search input[type=search]"), event);
    else if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "p") rooms(event);
    else if (event.key === "?") help();
  });
}

function focus(field, event) {
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

function rooms(event) {
  const menu = document.getElementById("rooms");
  if (!menu || menu.matches(":popover-open")) return;
  menu.showPopover();
  focus(menu.querySelector("input"), event);
}

function walk(way) {
  const rows = [...document.querySelectorAll("[data-rows] .title, .step > summary")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + way))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function help() {
  let sheet = document.getElementById("keys");
  if (!sheet) {
    sheet = document.createElement("div");
    sheet.id = "keys";
    sheet.className = "ask";
    sheet.popover = "auto";
    const table = sheet.appendChild(document.createElement("table"));
    for (const [key, what] of HELP) {
      const row = table.insertRow();
      row.insertCell().appendChild(document.createElement("kbd")).textContent = key;
      row.insertCell().textContent = what;
    }
    document.body.append(sheet);
  }
  sheet.togglePopover();
}
