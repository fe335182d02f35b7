// Two texts side by side: a click on a compiled step shows the line that made it, without
// moving the page.

export function twin() {
  const text = document.querySelector("[data-twin]");
  text.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#s"]');
    if (link && light(link)) event.preventDefault();
  });
  // One that was clicked before this script was there, or came with the address.
  const link = location.hash && text.querySelector(`a[href="${CSS.escape(location.hash)}"]`);
  if (link) light(link);
}

function light(link) {
  const line = document.getElementById(link.hash.slice(1));
  if (!line) return false;
  for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  line.classList.add("lit");
  link.closest("li").classList.add("lit");
  const text = line.parentElement;
  text.scrollTop = line.offsetTop - text.offsetTop - text.clientHeight / 3;
  history.replaceState(null, "", link.hash);
  return true;
}
