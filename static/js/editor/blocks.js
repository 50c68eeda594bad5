// What the mouse does with blocks, the keyboard does too, and each control says what it is for.

const BLOCKS = ".order-machine .inline-related:not(.empty-form)";
const FIELDS = "input:not([type=hidden]), select, textarea";

let announcer;
let waiting;

function make(tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function say(text) {
  announcer.textContent = text;
}

function orderOf(block) {
  return Number(block.style.order);
}

function blocksInOrder() {
  return [...document.querySelectorAll(BLOCKS)].sort((a, b) => orderOf(a) - orderOf(b));
}

function prefixOf(block) {
  return block.id.replace(/-\d+$/, "");
}

function kindOf(block) {
  return window.ContentEditor.pluginsByPrefix[prefixOf(block)]?.title ?? "Block";
}

function nameOf(block) {
  return `${kindOf(block)}, block ${blocksInOrder().indexOf(block) + 1}`;
}

// The order of the elements is the order in which keys and screen readers meet them.

function sortElements() {
  const held = document.activeElement;
  let last = null;
  for (const block of blocksInOrder()) {
    const isInPlace = last ? last.nextElementSibling === block : false;
    if (last && !isInPlace) last.after(block);
    else if (!last && document.querySelector(BLOCKS) !== block) document.querySelector(BLOCKS).before(block);
    last = block;
  }
  if (held?.isConnected && held !== document.activeElement) held.focus();
}

// Django numbers the rows of a kind by their place when one of them goes: saved rows come first.
function sortAsSaved() {
  const byIndex = (block) => Number(block.id.match(/-(\d+)$/)[1]);
  const blocks = [...document.querySelectorAll(BLOCKS)].sort((a, b) => byIndex(a) - byIndex(b));
  const parent = document.querySelector(".order-machine");
  for (const block of blocks) parent.insertBefore(block, parent.querySelector(".empty-form"));
}

function setOrder(blocks) {
  blocks.forEach((block, index) => {
    const place = 10 * (index + 1);
    block.style.order = place;
    block.querySelector(".order-machine-ordering").value = place;
  });
}

function move(block, step) {
  const blocks = blocksInOrder();
  const from = blocks.indexOf(block);
  const to = from + step;
  if (to < 0 || to >= blocks.length) {
    say(`${nameOf(block)}: it is the ${step < 0 ? "first" : "last"} already.`);
    return;
  }
  blocks.splice(to, 0, ...blocks.splice(from, 1));
  setOrder(blocks);
  refresh();
  block.scrollIntoView({ block: "nearest" });
  say(`Moved. ${kindOf(block)} is now block ${to + 1} of ${blocks.length}.`);
}

// Names

function nameTools(block, name) {
  block.querySelector(".order-machine-insert-target").setAttribute("aria-label", `Insert a block before ${name}`);
  for (const [tool, text] of [["up", "Move up"], ["down", "Move down"]]) {
    block.querySelector(`.block-${tool}`).setAttribute("aria-label", `${text}: ${name}`);
  }
  const fold = block.querySelector(".block-fold");
  const isFolded = block.classList.contains("collapsed");
  fold.textContent = isFolded ? "Show" : "Hide";
  fold.setAttribute("aria-label", `${fold.textContent} ${name}`);
  fold.setAttribute("aria-expanded", String(!isFolded));
  block.querySelector(":scope > h3 .delete input")?.setAttribute("aria-label", `Delete ${name}`);
  block.querySelector(":scope > h3 .inline-deletelink")?.setAttribute("aria-label", `Remove ${name}`);
}

function nameBlock(block, number) {
  const heading = block.querySelector(":scope > h3");
  const name = `${kindOf(block)}, block ${number}`;
  heading.querySelector(".block-number").textContent = `${number} `;
  block.setAttribute("role", "group");
  block.setAttribute("aria-label", name);
  nameTools(block, name);
  for (const editor of block.querySelectorAll(".ProseMirror[role=textbox]")) window.nameEditor(editor, name);
}

function refresh() {
  sortElements();
  blocksInOrder().forEach((block, index) => nameBlock(block, index + 1));
}

// Once for all that happens in one go, such as sixty editors that become ready.
function refreshSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(refresh);
}

// Tools of a block

function insertButton(mark) {
  return make("button", { type: "button", class: mark.className, "aria-expanded": "false" });
}

function tool(kind, sign, act) {
  const button = make("button", { type: "button", class: `block-${kind}` }, sign);
  button.addEventListener("click", act);
  return button;
}

function addTools(block) {
  if (block.querySelector(".block-tools")) return;
  const heading = block.querySelector(":scope > h3");
  heading.prepend(make("span", { class: "block-number" }));
  block.prepend(block.querySelector(".order-machine-insert-target"));
  const tools = make("div", { class: "block-tools" });
  tools.append(
    tool("up", "↑", () => move(block, -1)),
    tool("down", "↓", () => move(block, 1)),
    tool("fold", "Hide", () => heading.click()),
  );
  heading.after(tools);
}

function makeReachable(root) {
  for (const icon of root.querySelectorAll("span.material-icons")) icon.setAttribute("aria-hidden", "true");
  for (const mark of root.querySelectorAll("span.order-machine-insert-target:not(.last)")) {
    // Django puts its link into the first child of a new row: that stays the heading for now.
    mark.replaceWith(insertButton(mark));
  }
}

// The menu of kinds

function kindButtons() {
  return [...document.querySelectorAll(".plugin-button[data-plugin-prefix]:not(.content-editor-hide)")];
}

function openTarget() {
  return document.querySelector(".order-machine-insert-target.selected");
}

function followMenu() {
  const target = openTarget();
  for (const button of document.querySelectorAll(".order-machine-insert-target")) {
    button.setAttribute("aria-expanded", String(button === target));
  }
  if (target) kindButtons()[0]?.focus();
}

function pressedInMenu(event) {
  const buttons = kindButtons();
  const at = buttons.indexOf(event.target);
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  if (event.key === "Escape") {
    const target = openTarget();
    target?.click();
    target?.focus();
  } else if (event.key in steps) {
    buttons[(at + steps[event.key] + buttons.length) % buttons.length].focus();
  } else if (event.key === "Enter" || event.key === " ") {
    event.target.click();
  } else {
    return;
  }
  event.preventDefault();
}

function makeMenuReachable() {
  const menu = document.querySelector(".plugin-buttons");
  menu.setAttribute("role", "group");
  menu.setAttribute("aria-label", "Which block?");
  for (const button of menu.querySelectorAll(".plugin-button")) button.tabIndex = 0;
  menu.addEventListener("keydown", pressedInMenu);
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) closeMenuFrom(event.relatedTarget);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".order-machine-insert-target")) followMenu();
  });
}

function closeMenuFrom(goesTo) {
  const target = openTarget();
  if (target && target !== goesTo) target.click();
  document.querySelector(".plugin-buttons-visible")?.classList.remove("plugin-buttons-visible");
}

function makeLastReachable() {
  const mark = document.querySelector(".order-machine-insert-target.last");
  const machine = document.querySelector(".order-machine");
  const button = insertButton(mark);
  button.append(make("span", {}, "Add a block at the end"));
  mark.remove();
  machine.append(button);
}

// A new block

function firstField(block) {
  for (const row of block.querySelectorAll(".form-row:not(.hidden)")) {
    const prose = row.querySelector("textarea[data-django-prose-editor-configurable]");
    if (prose) return row.querySelector(".ProseMirror[contenteditable]") ?? prose;
    const field = row.querySelector(".select2-selection") ?? row.querySelector(FIELDS);
    if (field) return field;
  }
  return null;
}

function focusNew(block) {
  const field = firstField(block);
  if (field?.matches("textarea[data-django-prose-editor-configurable]")) {
    block.addEventListener("prose-editor:ready", ({ detail }) => detail.editor.commands.focus(), { once: true });
  } else {
    (field ?? block.querySelector(".block-up")).focus();
  }
}

function welcome(block) {
  if (!block.closest(".order-machine")) return;
  addTools(block);
  // After the library gave it its place.
  setTimeout(() => {
    refresh();
    focusNew(block);
    say(`${nameOf(block)} was added.`);
  });
}

function beforeRemoval(event) {
  const link = event.target.closest?.(".order-machine .inline-deletelink");
  if (!link) return;
  const blocks = blocksInOrder();
  const place = blocks.indexOf(link.closest(".inline-related"));
  sortAsSaved();
  setTimeout(() => {
    refresh();
    const neighbour = blocksInOrder()[Math.min(place, blocks.length - 2)];
    const next = neighbour?.querySelector(".block-up") ?? document.querySelector(".order-machine-insert-target.last");
    next.focus();
    say("The block was removed.");
  });
}

function start() {
  const machine = document.querySelector(".order-machine");
  announcer = make("p", { role: "status", class: "visually-hidden" });
  machine.parentElement.append(announcer);
  makeReachable(document.querySelector(".order-machine-wrapper").parentElement);
  makeLastReachable();
  makeMenuReachable();
  blocksInOrder().forEach(addTools);
  refresh();
  document.addEventListener("formset:added", (event) => welcome(event.target));
  document.addEventListener("click", beforeRemoval, true);
  document.addEventListener("prose-editor:ready", refreshSoon);
  // After a fold or a drop, whoever did it.
  machine.addEventListener("click", refreshSoon);
  machine.addEventListener("dragend", refreshSoon);
  document.querySelector(".collapse-items input")?.addEventListener("change", refreshSoon);
}

if (document.querySelector(".order-machine")) start();
else document.addEventListener("content-editor:ready", start, { once: true });
