// Parts of a page that change while somebody looks on.  The server says that something changed;
// the page is fetched again and the parts that differ take the place of those that are shown.

let fetching = false;
let again = false;

export function listen(address) {
  const source = new EventSource(address);
  source.addEventListener("change", refresh);
  source.addEventListener("error", () => lost(source.readyState === EventSource.CLOSED));
  source.addEventListener("open", () => lost(false));
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

export async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return location.reload();
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The stream says when the server is there again.
  }
  fetching = false;
  if (again) {
    again = false;
    setTimeout(refresh, 300);
  }
}

function show(page) {
  if (page.title !== document.title) document.title = page.title;
  const icon = document.querySelector("link[rel=icon]");
  const wanted = page.querySelector("link[rel=icon]");
  if (wanted && icon.getAttribute("href") !== wanted.getAttribute("href")) icon.replaceWith(wanted);
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) morph(part, fresh);
  }
  document.dispatchEvent(new CustomEvent("refreshed"));
}

// Changes `old` into `fresh` and leaves alone what is equal: focus, open popovers and details,
// and where a region is scrolled to stay as they are.
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.matches("[popover]:popover-open")) return;
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
      old.removeAttribute(name);
    }
  }
  const known = new Map([...old.children].filter((it) => it.id).map((it) => [it.id, it]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id ? known.get(child.id) : null;
    if (same && same !== at) {
      old.insertBefore(same, at);
      morph(same, child);
    } else if (at) {
      const next = at.nextSibling;
      if (!child.id && at.id && known.has(at.id)) old.insertBefore(document.importNode(child, true), at);
      else if (child.id && !same) old.insertBefore(document.importNode(child, true), at);
      else {
        morph(at, child);
        at = next;
      }
      continue;
    } else {
      old.append(document.importNode(child, true));
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function lost(isLost) {
  const shown = document.getElementById("lost");
  if (!isLost) return shown?.remove();
  if (shown) return undefined;
  const notice = document.createElement("p");
  notice.id = "lost";
  notice.className = "lost";
  notice.setAttribute("role", "status");
  notice.textContent = "Not live any more. Reload to see what is new.";
  return document.body.append(notice);
}
