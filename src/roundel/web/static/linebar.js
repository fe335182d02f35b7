// What stands above a step's output: search, first error, wrap, time stamps, following the end.

export function part(name, classes, text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}

// Whether people have asked for something; it is kept for all outputs.
export function wanted(name) {
  try {
    return localStorage.getItem(`log-${name}`) === "yes";
  } catch {
    return false;
  }
}

function want(name, on) {
  try {
    localStorage.setItem(`log-${name}`, on ? "yes" : "no");
  } catch {
    // Then it holds for this page.
  }
}

export function bar(view) {
  const form = part("form", "find");
  const field = form.appendChild(part("input", ""));
  field.type = "search";
  field.maxLength = 200;
  field.placeholder = "Search this output";
  field.setAttribute("aria-label", "Search this output");
  let state = {};

  const button = (text, act) => {
    const made = form.appendChild(part("button", "button", text));
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  const press = (made, on) => made.setAttribute("aria-pressed", String(on));
  const acts = {
    wrap: (on) => view.wrap(on),
    times: (on) => view.box.classList.toggle("timed", on),
  };
  const toggle = (name) => {
    const on = buttons[name].getAttribute("aria-pressed") !== "true";
    press(buttons[name], on);
    want(name, on);
    acts[name](on);
  };
  button("First error", () => find(""));
  const buttons = {
    wrap: button("Wrap", () => toggle("wrap")),
    times: button("Times", () => toggle("times")),
  };
  for (const [name, made] of Object.entries(buttons)) press(made, wanted(name));
  acts.times(wanted("times"));
  const follow = button("Follow", () => {
    following(follow.getAttribute("aria-pressed") !== "true");
    if (view.follow) view.end();
  });
  follow.hidden = !view.live;
  press(follow, view.follow);
  const told = form.appendChild(part("span", "faint"));
  told.setAttribute("role", "status");

  const tell = (text) => {
    told.textContent = text;
  };
  const following = (on) => {
    view.follow = on && view.live;
    press(follow, view.follow);
  };
  const count = () => {
    if (!state.sought) tell(`${view.total.toLocaleString("en")} line${view.total === 1 ? "" : "s"}`);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value) find(field.value);
  });

  // Goes to the next line that has the text; without one to the first that tells of an error.
  async function find(text) {
    if (!text || text !== state.sought || view.live) {
      const last = text === state.sought && text ? state.found?.[state.at] : undefined;
      tell("Searching…");
      const answer = await fetch(`${view.address}/find?${new URLSearchParams({ q: text })}`);
      if (!answer.ok) return tell("The search failed; try again.");
      state = { ...(await answer.json()), sought: text };
      state.at = last === undefined ? -1 : state.found.indexOf(last);
    }
    if (!state.found.length) return tell(text ? "Not found" : "No line tells of an error");
    state.at = (state.at + 1) % state.found.length;
    const number = state.found[state.at];
    tell(text ? `${state.at + 1} of ${state.found.length}${state.more ? "+" : ""}, line ${number + 1}` : `Line ${number + 1}`);
    return view.mark(number);
  }

  count();
  return {
    form,
    find,
    toggle,
    tell,
    count,
    following,
    focus: () => {
      field.select();
      field.focus();
    },
    ended: () => {
      following(false);
      follow.hidden = true;
    },
  };
}
