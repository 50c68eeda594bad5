"use strict";

// Sends the sign-up form in place and says the result where the form stood.
// Without this script the form works all the same, on a page of its own.

const SLOWER_THAN_A_MACHINE_MS = 1200;

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}

function fromHtml(html) {
  return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
}

async function send(form, says) {
  const button = form.querySelector("button");
  button.disabled = true;
  says.textContent = "Sending…";
  try {
    // A filled-in form that comes back within a second looks like a machine's to the server.
    await pause(SLOWER_THAN_A_MACHINE_MS - performance.now());
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "X-Fragment": "1" },
    });
    if (response.status >= 500) throw new Error(response.statusText);
    show(form, says, fromHtml(await response.text()), response.ok);
  } catch {
    button.disabled = false;
    says.textContent = "That did not work: the site could not be reached. Please try again.";
  }
}

function show(form, says, answer, done) {
  if (done) {
    says.replaceChildren(answer);
    form.remove();
    says.focus();
    return;
  }
  says.textContent = "";
  form.replaceWith(answer);
  listen(answer, says);
  answer.querySelector("input[name=email]").focus();
}

function listen(form, says) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, says);
  });
}

for (const form of document.querySelectorAll("form[data-sign-up]")) {
  const says = document.createElement("div");
  says.setAttribute("role", "status");
  says.tabIndex = -1;
  form.after(says);
  listen(form, says);
}
