// What happened, for eyes and for screen readers: one polite line and one for errors.
import { $ } from "./dom.js";

let turn = false;

/** Say that something is done. The same words twice are announced twice. */
export function say(text) {
  turn = !turn;
  $("status").textContent = text + (turn ? "\u00a0" : "");
  $("alert").textContent = "";
}

export function complain(text) {
  turn = !turn;
  $("alert").textContent = text + (turn ? "\u00a0" : "");
  $("status").textContent = "";
}
