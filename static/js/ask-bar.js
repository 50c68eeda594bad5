"use strict";

// One line about the drive at the lower edge, while the head of the page, its callout, the
// sign-up and the foot are out of sight: so no screen asks twice. Closed, it stays closed for this
// drive; that is kept on the device alone. Without this script the line is not there.

const CLOSED = "closed-drive-bar";
const OTHERS = ".site-head, .callout, .foot-sign-up, .site-foot";
const MOST_OF_THE_SCREEN = 1 / 5;

const bar = document.querySelector(".ask-bar");
const root = document.documentElement;
const seen = new Set();
let isClosed = wasClosed();
let focusedBefore = null;

function wasClosed() {
  try {
    return localStorage.getItem(CLOSED) === bar.dataset.drive;
  } catch {
    return false;
  }
}

function keepClosed() {
  try {
    localStorage.setItem(CLOSED, bar.dataset.drive);
  } catch {
    // A browser that keeps nothing shows the line again on the next page.
  }
}

function settle() {
  // Whoever stands on it with the keyboard would be thrown off.
  if (bar.contains(document.activeElement)) return;
  bar.hidden = isClosed || seen.size > 0;
  if (!bar.hidden && bar.offsetHeight > innerHeight * MOST_OF_THE_SCREEN) bar.hidden = true;
  // The browser keeps what gets the focus above the line.
  root.style.scrollPaddingBottom = bar.hidden ? "" : `${bar.offsetHeight + 8}px`;
}

function close() {
  const hadFocus = bar.contains(document.activeElement);
  isClosed = true;
  keepClosed();
  if (hadFocus) (focusedBefore ?? document.getElementById("main")).focus({ preventScroll: true });
  settle();
}

// Escape closes a definition first.
function isSomethingOpen() {
  return CSS.supports("selector(:popover-open)") && document.querySelector(":popover-open");
}

const eye = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    if (isIntersecting) seen.add(target);
    else seen.delete(target);
  }
  settle();
});

for (const part of document.querySelectorAll(OTHERS)) eye.observe(part);
bar.querySelector("button").addEventListener("click", close);
bar.addEventListener("focusin", ({ relatedTarget }) => {
  if (relatedTarget && !bar.contains(relatedTarget)) focusedBefore = relatedTarget;
});
bar.addEventListener("focusout", () => setTimeout(settle));
addEventListener("resize", settle);
addEventListener("keydown", ({ key, defaultPrevented }) => {
  if (key === "Escape" && !bar.hidden && !defaultPrevented && !isSomethingOpen()) close();
});
