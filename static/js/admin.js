"use strict";

// Names for the newsroom's fields that have none of their own, so that a screen reader says
// more than "edit text".

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

function nameEditors() {
  for (const editor of document.querySelectorAll(".ProseMirror[role=textbox]:not([aria-label])")) {
    editor.setAttribute("aria-label", rowLabel(editor));
    editor.setAttribute("aria-multiline", "true");
  }
}

document.addEventListener("DOMContentLoaded", nameDateAndTime);
document.addEventListener("DOMContentLoaded", nameEditors);
document.addEventListener("prose-editor:ready", nameEditors);
