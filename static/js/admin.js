"use strict";

// Names and keys for the newsroom's fields that have none of their own, so that a screen reader
// says more than "edit text", and a keyboard passes a toolbar in one step.

// Buttons of the toolbar that are on or off.
const SWITCHES = /^(heading\d|paragraph|orderedList|blockquote|bold|italic|link|glossaryTerm)$/;

function rowLabel(field) {
  const label = field.closest(".form-row")?.querySelector("label, legend");
  return label ? label.textContent.trim().replace(/:$/, "") : "";
}

function nameDateAndTime() {
  for (const [kind, part] of [["vDateField", "date"], ["vTimeField", "time"]]) {
    for (const field of document.querySelectorAll(`input.${kind}`)) {
      if (!field.labels.length) field.setAttribute("aria-label", `${rowLabel(field)}: ${part}`);
    }
  }
}

function nameEditor(editor, place = "") {
  const name = [rowLabel(editor), place].filter(Boolean).join(": ");
  editor.setAttribute("aria-label", name);
  editor.setAttribute("aria-multiline", "true");
  const toolbar = editor.parentElement.querySelector(".prose-menubar");
  toolbar?.setAttribute("aria-label", `Tools for ${name}`);
}

function nameEditors() {
  for (const editor of document.querySelectorAll(".ProseMirror[role=textbox]:not([aria-label])")) {
    nameEditor(editor);
  }
}

// Select2 names a field by what is chosen in it: an empty one would have no name.
function nameChoosers() {
  for (const chooser of document.querySelectorAll(".select2-selection[role=combobox]")) {
    const label = chooser.closest(".fieldBox, .form-row")?.querySelector("label");
    if (!label || chooser.dataset.named) continue;
    label.id ||= `${label.htmlFor}-label`;
    const chosen = chooser.querySelector(".select2-selection__rendered");
    chosen?.setAttribute("aria-labelledby", label.id);
    chooser.setAttribute("aria-labelledby", `${label.id} ${chosen?.id ?? ""}`);
    chooser.dataset.named = "yes";
  }
}

// One stop for the Tab key; arrows go from button to button.

function stopAt(buttons, stop) {
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
}

function walkToolbar(event, toolbar) {
  const buttons = [...toolbar.querySelectorAll("button:not(.hidden)")];
  const at = buttons.indexOf(event.target);
  const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
  if (at < 0 || !(event.key in places)) return;
  const next = buttons.at(places[event.key] % buttons.length);
  stopAt(toolbar.querySelectorAll("button"), next);
  next.focus();
  event.preventDefault();
}

function tellStates(toolbar) {
  for (const button of toolbar.querySelectorAll("button")) {
    const { classList, dataset } = button;
    button.setAttribute("aria-disabled", String(classList.contains("disabled")));
    if (SWITCHES.test(dataset.name)) button.setAttribute("aria-pressed", String(classList.contains("active")));
  }
  // A stop that vanished would leave the toolbar without one.
  const stop = toolbar.querySelector("button[tabindex='0']:not(.hidden)");
  if (!stop) stopAt(toolbar.querySelectorAll("button"), toolbar.querySelector("button:not(.hidden)"));
}

function readyToolbar(editor) {
  const toolbar = editor.view.dom.parentElement.querySelector(".prose-menubar");
  toolbar.setAttribute("role", "toolbar");
  toolbar.setAttribute("aria-label", `Tools for ${editor.view.dom.getAttribute("aria-label")}`);
  toolbar.addEventListener("keydown", (event) => walkToolbar(event, toolbar));
  editor.on("transaction", () => tellStates(toolbar));
  tellStates(toolbar);
}

document.addEventListener("DOMContentLoaded", nameDateAndTime);
document.addEventListener("DOMContentLoaded", nameEditors);
// After Django has drawn them, which it does a moment after these events.
window.addEventListener("load", () => setTimeout(nameChoosers));
document.addEventListener("formset:added", () => setTimeout(nameChoosers));
document.addEventListener("prose-editor:ready", ({ detail: { editor } }) => {
  nameEditors();
  // The toolbar is drawn a moment after the text.
  editor.on("create", () => readyToolbar(editor));
});
