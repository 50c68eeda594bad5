// A dialog with a search field and a list, worked by keys alone: the ARIA combobox pattern.

import { Extension } from "django-prose-editor/editor";

const PAUSE_IN_TYPING_MS = 200;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function counted(choices) {
  if (!choices.length) return "Nothing found.";
  return choices.length === 1 ? "1 choice." : `${choices.length} choices.`;
}

class PickerDialog {
  constructor(editor, { title, label, query = "", find, use }) {
    Object.assign(this, { editor, find, use });
    this.choices = [];
    this.active = -1;
    this.build(title, label, query);
    this.listen();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.input.select();
    this.search();
  }

  build(title, label, query) {
    this.input = element("input", {
      id: "picker-input",
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-autocomplete": "list",
      "aria-controls": "picker-list",
      "aria-expanded": "false",
    });
    this.input.value = query;
    this.list = element("ul", { id: "picker-list", role: "listbox", "aria-label": label });
    this.status = element("p", { role: "status" });
    this.close = element("button", { type: "button", class: "picker-close" }, "Close");
    this.dialog = element(
      "dialog",
      { class: "picker", "aria-labelledby": "picker-title" },
      element("h2", { id: "picker-title" }, title),
      element("label", { for: "picker-input" }, label),
      this.input,
      this.list,
      this.status,
      this.close,
    );
  }

  listen() {
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(this.choices[[...this.list.children].indexOf(option)]);
    });
    this.close.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.leave());
  }

  typed() {
    // What was listed answers an older question: Enter must not take it.
    this.mark(-1);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE_IN_TYPING_MS);
  }

  pressed(event) {
    const last = this.choices.length - 1;
    const places = {
      ArrowDown: this.active < last ? this.active + 1 : 0,
      ArrowUp: this.active > 0 ? this.active - 1 : last,
    };
    if (event.key in places && last >= 0) this.mark(places[event.key]);
    else if (event.key === "Enter") this.take(this.choices[this.active]);
    else return;
    event.preventDefault();
  }

  mark(place) {
    this.active = place;
    [...this.list.children].forEach((option, index) =>
      option.setAttribute("aria-selected", String(index === place)),
    );
    const option = this.list.children[place];
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  begin(says) {
    this.asked?.abort();
    this.asked = new AbortController();
    this.status.textContent = says;
    return this.asked.signal;
  }

  async search() {
    const signal = this.begin("Searching …");
    const { choices, says } = await this.find(this.input.value.trim(), signal);
    if (signal.aborted) return;
    this.show(choices);
    this.status.textContent = says ?? counted(choices);
  }

  show(choices) {
    this.choices = choices;
    this.list.replaceChildren(
      ...choices.map(({ name, detail, note }, index) =>
        element(
          "li",
          { id: `picker-option-${index}`, role: "option" },
          element("strong", {}, name),
          ...(detail ? [" ", element("span", {}, detail)] : []),
          ...(note ? [" ", element("em", {}, note)] : []),
        ),
      ),
    );
    this.input.setAttribute("aria-expanded", String(choices.length > 0));
    this.mark(choices.length ? 0 : -1);
  }

  async take(choice) {
    if (!choice || this.isTaking) return;
    clearTimeout(this.timer);
    const signal = this.begin(choice.waits ?? "");
    this.isTaking = true;
    try {
      const taken = choice.fetch ? await choice.fetch(signal) : choice.value;
      if (signal.aborted) return;
      this.dialog.close();
      this.use(taken);
    } catch (error) {
      if (!signal.aborted) this.status.textContent = error.message;
    } finally {
      this.isTaking = false;
    }
  }

  leave() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.dialog.remove();
    // At once, not with the next frame: who types on loses no letter.
    this.editor.view.focus();
  }
}

export const Picker = Extension.create({
  name: "picker",

  addStorage() {
    return {
      // `find(query, signal)` promises {choices, says}: what to list, and what to say of it.
      // A choice has a name, perhaps a detail and a note, and either its value or a `fetch(signal)`
      // that promises it and `waits` to say meanwhile. `use(value)` gets what was taken.
      open: (editor, options) => new PickerDialog(editor, options),
    };
  },
});
