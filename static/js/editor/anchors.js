// Headings keep their address while their words are edited; only the server makes new ones.

import { Extension, Plugin } from "django-prose-editor/editor";

function atStartOfHeading({ selection }) {
  const { $from, empty } = selection;
  return empty && $from.parent.type.name === "heading" && $from.parentOffset === 0 && $from.parent.content.size > 0;
}

// A heading that was split or pasted again: the first of the two keeps the address.
function withoutRepeated(transactions, _before, state) {
  if (!transactions.some(({ docChanged }) => docChanged)) return null;
  const seen = new Set();
  const { doc, tr } = state;
  doc.descendants((node, place) => {
    if (node.type.name !== "heading" || !node.attrs.id) return;
    if (seen.has(node.attrs.id)) tr.setNodeAttribute(place, "id", null);
    seen.add(node.attrs.id);
  });
  return tr.docChanged ? tr : null;
}

export const HeadingAnchor = Extension.create({
  name: "headingAnchor",
  // Before the editor's own Enter.
  priority: 1000,

  addGlobalAttributes() {
    const id = {
      default: null,
      parseHTML: (heading) => heading.id || null,
      renderHTML: ({ id: anchor }) => (anchor ? { id: anchor } : {}),
    };
    return [{ types: ["heading"], attributes: { id } }];
  },

  addKeyboardShortcuts() {
    // A split there would leave the address with the empty line above.
    const lineAbove = ({ editor }) => {
      if (!atStartOfHeading(editor.state)) return false;
      const { schema, selection, tr } = editor.state;
      editor.view.dispatch(tr.insert(selection.$from.before(), schema.nodes.paragraph.create()).scrollIntoView());
      return true;
    };
    return { Enter: lineAbove };
  },

  addProseMirrorPlugins() {
    return [new Plugin({ appendTransaction: withoutRepeated })];
  },
});
