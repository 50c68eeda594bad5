"use strict";

// The figures of a digest on its way renew themselves; nothing else on the page moves, so the
// keyboard and a screen reader stay where they are.

const PAUSE_MS = 5000;

async function renew() {
  const live = document.getElementById("live");
  if (!live || !("renews" in live.dataset) || live.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (!fresh) return;
  live.replaceChildren(...fresh.childNodes);
  if (!("renews" in fresh.dataset)) delete live.dataset.renews;
}

setInterval(() => renew().catch(() => {}), PAUSE_MS);
