// Dialogs: the browser's own, so that focus stays inside, Escape closes and the focus goes back.
import { $, h } from "./dom.js";
import { t } from "./text.js";

let number = 0;

/** Open a dialog with a heading and a Close button; `content` gets `close` and returns the children. */
export function open(title, content, { wide = false } = {}) {
  const back = document.activeElement;
  const id = `dialog-${++number}`;
  const close = () => dialog.close();
  const dialog = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : null });
  dialog.append(
    h("div", { class: "row between" },
      h("h2", { id, tabindex: "-1" }, title),
      h("button", { type: "button", onclick: close }, t("Close"))),
    ...[content(close)].flat(),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (document.activeElement !== document.body) return;
    const home = back && back !== document.body && back.isConnected ? back : $("lines").querySelector("[tabindex='0']");
    home?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? $(id)).focus();
  return dialog;
}

/** A labelled field. */
export function field(label, input) {
  return h("label", {}, `${label} `, input);
}

/** A line of a dialog that is announced when its text changes. */
export const told = () => h("p", { role: "status" });

/** A table with a caption; rows are arrays of cells, cells strings or elements. */
export function table(caption, heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell ?? "")))))));
}
