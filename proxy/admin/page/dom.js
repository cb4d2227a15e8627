// Elements, made of text alone: whatever a client or a provider names stays text.

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** An element of HTML; children are elements or text, null ones are left out. */
export const html = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

/** The same of SVG. */
export const svg = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, name), attributes, children);

/** A cell of a table that becomes a list on narrow screens, where `label` stands before it. */
export const cell = (label, ...children) => html("td", { role: "cell", "data-label": label }, html("div", {}, ...children));

export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/** Sets text only where it is another: what nobody changed is not read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order: each is made by `make(item)`, and again only once
 * it is another object, so that what is unchanged keeps its focus and its selection.
 */
export function keep(parent, items, make) {
  const made = (parent.made ??= new Map());
  const wanted = new Map(items.map((item) => [item, made.get(item) ?? make(item)]));
  for (const [item, element] of made) if (!wanted.has(item)) element.remove();
  let before = parent.firstChild;
  for (const element of wanted.values()) {
    if (element === before) before = before.nextSibling;
    else parent.insertBefore(element, before);
  }
  parent.made = wanted;
}
