// Every action has a key. Single keys can be switched off or given to other actions (WCAG 2.1.4).
import { settings } from "./dom.js";

const actions = new Map();
export const single = () => settings.get("singleKeys", true);
export const setSingle = (on) => {
  settings.set("singleKeys", on);
  label();
};

/** Register {name: {label, key, run}} in the order in which help lists them. */
export function define(table) {
  for (const [name, action] of Object.entries(table)) actions.set(name, { ...action, name });
}

export const all = () => [...actions.values()];
export function keyFor(name) {
  const given = settings.get("keys", {});
  const usual = actions.get(name)?.key ?? "";
  return given[name] ?? (Object.values(given).includes(usual) ? "" : usual); // what people gave away stays given
}
export const run = (name) => actions.get(name).run();

/** Give `key` to an action. Returns the action that has it already, or null when it is done. */
export function remap(name, key) {
  const taken = all().find((action) => action.name !== name && key && keyFor(action.name) === key);
  if (taken) return taken;
  settings.set("keys", { ...settings.get("keys", {}), [name]: key });
  label();
  return null;
}

export function resetKeys() {
  settings.set("keys", {});
  label();
}

/** The name of a pressed key. With a Hangul layout the letters are those printed on the key. */
export function nameOf(event) {
  let key = event.key === " " ? "Space" : event.key;
  if (key.length === 1 && key.charCodeAt(0) > 127 && /^Key[A-Z]$/.test(event.code)) key = event.code[3];
  if (key.length === 1) key = /[a-z]/i.test(key) ? (event.shiftKey ? key.toUpperCase() : key.toLowerCase()) : key;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Control");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (key.length > 1 || parts.length)) parts.push("Shift");
  return [...parts, parts.length && key.length === 1 ? key.toUpperCase() : key].join("+");
}

/** How a key is written for people: U is Shift+U. */
export const shownKey = (key) => (/^[A-Z]$/.test(key) ? `Shift+${key}` : key.length === 1 ? key.toUpperCase() : key);

const EDITS = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const ARROWS = new Set(["Space", "Enter"]);

function mine(event, name) {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return false;
  const plain = !/^(Control|Alt)\+/.test(name);
  if (plain && !single()) return false;
  if (event.target.matches(EDITS) && (plain || /^Control\+(Shift\+)?[ZY]$/.test(name))) return false;
  return !(ARROWS.has(name) && event.target.closest("button, a, summary, input"));
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    const name = nameOf(event);
    const action = all().find((candidate) => keyFor(candidate.name) === name);
    if (!action || !mine(event, name)) return;
    event.preventDefault();
    action.run();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button && button.getAttribute("aria-disabled") !== "true") run(button.dataset.action);
  });
  label();
}

/** Write the keys onto the buttons. */
export function label() {
  for (const button of document.querySelectorAll("[data-action]")) {
    const key = keyFor(button.dataset.action);
    const works = key && (single() || key.includes("+"));
    if (works) button.setAttribute("aria-keyshortcuts", /^[A-Z]$/.test(key) ? `Shift+${key}` : key);
    else button.removeAttribute("aria-keyshortcuts");
    button.title = works ? shownKey(key) : "";
  }
}
