// Building elements, and keeping the focus while they are rebuilt.

/** An element; properties starting with "on" are listeners, others attributes (false and null leave them out). */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export const $ = (id) => document.getElementById(id);

/** Fill `container` anew; what had the focus (by id or data-key) has it afterwards, else `fallback` has. */
export function refill(container, children, fallback = null) {
  const active = document.activeElement;
  const inside = container.contains(active) && active !== container;
  const key = inside ? active.dataset.key : null, id = inside ? active.id : null;
  container.replaceChildren(...children);
  if (!inside) return;
  const again = (key && container.querySelector(`[data-key="${CSS.escape(key)}"]`)) || (id && $(id)) || fallback;
  again?.focus({ preventScroll: true });
}

/** Remember a small setting of this browser; storage may be forbidden. */
export const settings = {
  get(name, fallback) {
    try {
      return JSON.parse(localStorage.getItem(`review.${name}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`review.${name}`, JSON.stringify(value));
    } catch {
      // Private windows: the setting holds until the page is left.
    }
  },
};
