// While a run goes on the page brings itself up to date; without this it is reloaded whole.
"use strict";

const every = 2000;

async function refresh() {
  if (!document.querySelector("[data-live]")) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const [now, then] = [fresh.querySelector("main"), document.querySelector("main")];
        // Not under the hands of somebody who is at it.
        if (now && !then.contains(document.activeElement?.closest("button, input, select, textarea, a"))) {
          then.replaceChildren(...now.childNodes);
          document.title = fresh.title;
        }
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
