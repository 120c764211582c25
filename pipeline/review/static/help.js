// The keys: what each does, and giving an action another one.
import { open, told } from "./dialogs.js";
import { h } from "./dom.js";
import { all, keyFor, nameOf, remap, resetKeys, setSingle, shownKey, single } from "./keys.js";
import { t } from "./text.js";

const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta"]);

export function help() {
  open(t("Keys"), () => {
    const status = told();
    const rows = h("tbody");
    const fill = () => rows.replaceChildren(...all().map((action) => row(action, status)));
    fill();
    const box = h("input", { type: "checkbox", id: "single-keys", onchange: (event) => setSingle(event.target.checked) });
    box.checked = single();
    return [
      h("p", {}, t("In the list of lines: arrow keys move, Enter goes to the text, Escape comes back.")),
      h("p", {}, box, " ", h("label", { for: "single-keys" }, t("Single keys work (switch them off where they get in the way of speech input or a screen reader)"))),
      status,
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("Keys") },
        h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("Action")), h("th", { scope: "col" }, t("Key")))), rows)),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => (resetKeys(), fill(), (status.textContent = t("The keys are as delivered"))) }, t("All keys as delivered"))),
    ];
  }, { wide: true });
}

const written = (name) => (keyFor(name) ? shownKey(keyFor(name)) : t("none"));

/** One action; its button listens for the next key. Backspace takes the key away, Escape and Tab leave it. */
function row(action, status) {
  const button = h("button", { type: "button", "aria-label": `${action.label}: ${written(action.name)}` }, written(action.name));
  let listening = false;
  const rest = () => {
    listening = false;
    button.textContent = written(action.name);
    button.setAttribute("aria-label", `${action.label}: ${written(action.name)}`);
  };
  button.addEventListener("click", () => {
    listening = true;
    button.textContent = t("press a key");
    status.textContent = t("Press the new key for {action}; Backspace for none, Escape to leave it", { action: action.label });
  });
  button.addEventListener("blur", rest);
  button.addEventListener("keydown", (event) => {
    if (!listening || MODIFIERS.has(event.key) || event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return rest();
    const key = event.key === "Backspace" ? "" : nameOf(event);
    const taken = remap(action.name, key);
    status.textContent = taken
      ? t("{key} belongs to {action}", { key: shownKey(key), action: taken.label })
      : t("{action}: {key}", { action: action.label, key: written(action.name) });
    rest();
  });
  return h("tr", {}, h("th", { scope: "row" }, action.label), h("td", {}, button));
}
