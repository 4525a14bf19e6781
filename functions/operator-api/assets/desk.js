// While a run goes on the page brings itself up to date; without this it is reloaded whole.
"use strict";

const every = 2000;

function renew(fresh) {
  const main = document.querySelector("main");
  const here = document.activeElement;
  // Not under the hands of somebody who is at it: they are only told how it stands.
  const part = here !== main && main.contains(here) ? "main [role=status]" : "main";
  const [now, then] = [fresh.querySelector(part), document.querySelector(part)];
  if (!now || !then) return;
  then.replaceChildren(...now.childNodes);
  document.title = fresh.title;
}

async function refresh() {
  if (!document.querySelector("[data-live]")) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (fresh.querySelector("main")) renew(fresh);
      }
    } catch {
      // The next try may do better.
    }
  }
  setTimeout(refresh, every);
}

// A form is sent once.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "true";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

setTimeout(refresh, every);
