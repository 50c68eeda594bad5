// Marks that hold a key, never a number or a definition: those are given when a page is shown.

import { InputRule, Mark, Node } from "django-prose-editor/editor";

const KEY = /^[-\w]{1,140}$/;
const NO_ANSWER = "The newsroom did not answer. Are you still logged in? What you typed is kept.";

const addresses = document.getElementById("editor-addresses")?.dataset ?? {};
const citations = new Map(Object.entries(JSON.parse(addresses.cited || "{}")));

async function ask(address, options) {
  const headers = { Accept: "application/json", ...options.headers };
  const response = await fetch(address, { ...options, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || NO_ANSWER);
  return answer;
}

async function answerOf(address, options) {
  try {
    return await ask(address, options);
  } catch (error) {
    // A page that is no JSON, or no connection: neither speaks an editor's language.
    const isOurs = error.constructor === Error;
    throw isOurs ? error : new Error(NO_ANSWER);
  }
}

function search(address, query, signal) {
  const asked = new URL(address, document.baseURI);
  asked.searchParams.set("q", query);
  return answerOf(asked, { signal });
}

// Studies

function citedHere(query) {
  const marks = document.querySelectorAll(".ProseMirror cite-ref");
  const keys = new Set([...marks].map((mark) => mark.dataset.key).concat([...citations.keys()]));
  const here = [...keys].map((key) => ({ key, citation: citations.get(key) ?? key }));
  const sought = query.toLowerCase();
  return here.filter(({ key, citation }) => `${key} ${citation}`.toLowerCase().includes(sought));
}

function choiceOf(study, note) {
  return { name: study.citation || study.key, detail: study.title, note, value: study };
}

function fetchChoice(identifier) {
  const fetch = (signal) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({ identifier });
    const headers = { "X-CSRFToken": token };
    return answerOf(addresses.fetch, { method: "POST", headers, body, signal });
  };
  const waits = `Fetching ${identifier} …`;
  return { name: `Fetch ${identifier}`, detail: "and add it to the library", waits, fetch };
}

async function findStudies(query, signal) {
  const here = citedHere(query).map((study) => choiceOf(study, "cited here"));
  if (!addresses.studies) return { choices: here };
  try {
    const { studies, fetchable } = await search(addresses.studies, query, signal);
    const known = new Map(studies.map((study) => [study.key, study]));
    const cited = here.map(({ value }) => choiceOf(known.get(value.key) ?? value, "cited here"));
    const keys = new Set(here.map(({ value }) => value.key));
    const others = studies.filter(({ key }) => !keys.has(key)).map((study) => choiceOf(study));
    const fetched = fetchable && addresses.fetch ? [fetchChoice(fetchable)] : [];
    return { choices: [...cited, ...others, ...fetched] };
  } catch (error) {
    return { choices: here, says: error.message };
  }
}

function cite(editor, place) {
  editor.storage.picker.open(editor, {
    title: "Cite a study",
    label: "Author, title, DOI or PMID",
    find: findStudies,
    use({ key, citation }) {
      if (citation) citations.set(key, citation);
      const mark = { type: "citeRef", attrs: { key } };
      editor.chain().focus().insertContentAt(place ?? editor.state.selection.to, mark).run();
    },
  });
}

export const CiteRef = Node.create({
  name: "citeRef",
  group: "inline",
  inline: true,
  atom: true,

  addAttributes() {
    const key = {
      default: null,
      parseHTML: (mark) => mark.dataset.key,
      renderHTML: (attributes) => ({ "data-key": attributes.key }),
    };
    return { key };
  },

  parseHTML() {
    return [{ tag: "cite-ref", getAttrs: (mark) => KEY.test(mark.dataset.key ?? "") && null }];
  },

  renderHTML({ HTMLAttributes }) {
    return ["cite-ref", HTMLAttributes];
  },

  renderText({ node }) {
    return `[@${node.attrs.key}]`;
  },

  addNodeView() {
    return ({ node }) => {
      const dom = document.createElement("cite-ref");
      dom.dataset.key = node.attrs.key;
      dom.contentEditable = "false";
      dom.textContent = citations.get(node.attrs.key) ?? node.attrs.key;
      return { dom };
    };
  },

  addInputRules() {
    // The two signs stay in the text until a study takes their place.
    const handler = ({ range: { from } }) => {
      setTimeout(() => cite(this.editor, { from, to: from + 2 }));
      return null;
    };
    return [new InputRule({ find: /\[@$/, handler })];
  },

  addKeyboardShortcuts() {
    return { "Mod-Shift-e": ({ editor }) => cite(editor) ?? true };
  },

  addMenuItems({ menu, buttons }) {
    menu.defineItem({
      name: "citeRef",
      groups: "link",
      priority: 60,
      button: buttons.text("Cite", "Cite a study: [@ or Ctrl+Shift+E"),
      command: (editor) => cite(editor),
    });
  },
});

// The glossary

async function findTerms(query, signal) {
  try {
    const { terms } = await search(addresses.terms, query, signal);
    return { choices: terms.map((term) => ({ ...term, detail: term.definition, value: term })) };
  } catch (error) {
    return { choices: [], says: error.message };
  }
}

function explain(editor) {
  if (editor.isActive("glossaryTerm")) {
    editor.chain().focus().unsetMark("glossaryTerm", { extendEmptyMarkRange: true }).run();
    return;
  }
  const { from, to } = editor.state.selection;
  editor.storage.picker.open(editor, {
    title: "Explain with the glossary",
    label: "Term of the glossary",
    query: editor.state.doc.textBetween(from, to, " "),
    find: findTerms,
    use: ({ slug }) => editor.chain().focus().setMark("glossaryTerm", { slug }).run(),
  });
}

export const GlossaryTerm = Mark.create({
  name: "glossaryTerm",
  inclusive: false,

  addAttributes() {
    const slug = {
      default: null,
      parseHTML: (mark) => mark.dataset.slug,
      renderHTML: (attributes) => ({ "data-slug": attributes.slug }),
    };
    return { slug };
  },

  parseHTML() {
    return [{ tag: "glossary-term", getAttrs: (mark) => KEY.test(mark.dataset.slug ?? "") && null }];
  },

  renderHTML({ HTMLAttributes }) {
    return ["glossary-term", HTMLAttributes, 0];
  },

  addMenuItems({ menu, buttons }) {
    menu.defineItem({
      name: "glossaryTerm",
      groups: "link",
      priority: 50,
      button: buttons.text("Term", "Term of the glossary, or no longer"),
      enabled: (editor) => !editor.state.selection.empty || editor.isActive("glossaryTerm"),
      active: (editor) => editor.isActive("glossaryTerm"),
      command: (editor) => explain(editor),
    });
  },
});
