// Two texts side by side: a click on a compiled step shows the line that made it, without
// moving the page.

export function twin() {
  document.querySelector("[data-twin]").addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#s"]');
    if (!link) return;
    event.preventDefault();
    const line = document.getElementById(link.hash.slice(1));
    if (!line) return;
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    line.classList.add("lit");
    link.closest("li").classList.add("lit");
    const text = line.parentElement;
    text.scrollTop = line.offsetTop - text.offsetTop - text.clientHeight / 3;
    history.replaceState(null, "", link.hash);
  });
}
