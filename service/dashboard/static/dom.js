/** Elements by function calls. Texts become text nodes only: nothing from data is ever read as markup. */

const SVG = "http://www.w3.org/2000/svg";

function put(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
  else if (name === "style") for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
  else if (name === "data") for (const [key, text] of Object.entries(value)) element.dataset[key] = text;
  else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) put(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element with attributes and children: `h("p", {class: "muted"}, "text")`. */
export function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** An SVG element. */
export function svg(tag, properties, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Replace the children of an element. */
export function show(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return place;
}

let last = 0;
/** An id that no other element has. */
export function newId(prefix = "id") {
  last += 1;
  return `${prefix}-${last}`;
}

/** An icon of 24 by 24, drawn by one path. */
export function icon(path) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: path }));
}
