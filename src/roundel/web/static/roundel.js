// What every page has: live parts, times that go on, keys.  Pages are whole without it.
import { listen } from "./live.js";
import { keys } from "./keys.js";
import { times } from "./clock.js";

document.documentElement.classList.add("scripted");
addEventListener("click", async (event) => {
  const opener = event.target.closest?.("[data-shell]");
  if (!opener) return;
  const { shell } = await import("./shell.js");
  shell(opener);
});
times();
keys();

const main = document.querySelector("main");
if (main.dataset.stream) listen(main.dataset.stream);
if (main.dataset.output || document.querySelector("[data-tail]")) {
  const { output } = await import("./output.js");
  output(main.dataset.output);
}
if (document.querySelector("[data-twin]")) {
  const { twin } = await import("./twin.js");
  twin();
}

for (const form of document.querySelectorAll(".filters")) {
  form.addEventListener("change", () => form.requestSubmit());
}
for (const field of document.querySelectorAll("[data-select]")) {
  field.addEventListener("focus", () => field.select());
}
for (const field of document.querySelectorAll("[data-narrows]")) {
  field.hidden = false;
  const links = document.getElementById(field.dataset.narrows).querySelectorAll("a");
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const link of links) link.hidden = !link.textContent.toLowerCase().includes(wanted);
  });
}
