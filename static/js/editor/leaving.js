// A page with changes that were not saved asks before it goes.

function typedInto(form) {
  const fields = [...new FormData(form)].map(([name, value]) => `${name}=${value.name ?? value}`);
  // Sorted: where a field stands on the page changes nothing of what is sent.
  return JSON.stringify(fields.sort());
}

function askBeforeLeaving(form) {
  // What a refused form shows again was typed, and is saved nowhere.
  const saved = document.querySelector(".errornote") ? null : typedInto(form);
  let isSubmitted = false;
  window.addEventListener("submit", (event) => {
    if (event.target === form) isSubmitted = !event.defaultPrevented;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isSubmitted && typedInto(form) !== saved) event.preventDefault();
  });
  // Back by the browser's button: the form is open again.
  window.addEventListener("pageshow", () => {
    isSubmitted = false;
  });
}

window.addEventListener("load", () => {
  const form = document.querySelector("#content-main form[method=post]");
  if (form) askBeforeLeaving(form);
});
