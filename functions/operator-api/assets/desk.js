// During a run the page refreshes itself; without this script it is reloaded as a whole.
"use strict";

const every = 2000;

function renew(fresh) {
  const main = document.querySelector("main");
  const here = document.activeElement;
  // While an element of the content has the focus, only the status is replaced, so that no input is lost.
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
      // Ignored: the next refresh may succeed.
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

// Offers the browser's own time zone on the page where it is chosen.
const offer = document.querySelector("[data-browser-zone]");
if (offer) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const button = offer.querySelector("button");
  button.value = zone;
  button.textContent = `Use this browser's: ${zone}`;
  offer.hidden = false;
}
