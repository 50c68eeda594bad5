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
    const answer = fromHtml(await response.text());
    // Anything else is the word of a proxy, which must not take the place of the form.
    if (!answer?.matches("form[data-sign-up], .thanks")) throw new Error(response.statusText);
    show(form, says, answer, response.ok);
  } catch {
    button.disabled = false;
    button.focus();
    says.replaceChildren(failure());
  }
}

function failure() {
  const words = document.createElement("p");
  words.className = "error";
  words.textContent =
    "Not sent: the site could not be reached. Your address is still here. Please press once more.";
  return words;
}

function show(form, says, answer, done) {
  if (done) {
    form.after(says);
    says.replaceChildren(answer);
    form.remove();
    says.focus();
    return;
  }
  form.replaceWith(answer);
  listen(answer, statusOf(answer));
  answer.querySelector("input[name=email]").focus();
}

function listen(form, says) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, says);
  });
}

function statusOf(form) {
  const says = document.createElement("div");
  says.setAttribute("role", "status");
  says.tabIndex = -1;
  form.querySelector(".row").after(says);
  return says;
}

for (const form of document.querySelectorAll("form[data-sign-up]")) listen(form, statusOf(form));
