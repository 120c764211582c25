// What the server tells while the page is open: others' changes, who is here, how far applying is.
import { url } from "./api.js";
import { $ } from "./dom.js";
import { complain, say } from "./live.js";
import { sound } from "./player.js";
import { lineOf, refresh, shown, state, touched } from "./state.js";
import { number, t } from "./text.js";

const me = () => document.querySelector("[data-me]").dataset.me;

function presence(people) {
  const others = people.filter((person) => person.name !== me());
  const place = (id) => shown().indexOf(lineOf(id)) + 1;
  const names = others.map(({ name, line }) => (line && place(line) ? t("{name} (line {number})", { name, number: place(line) }) : name));
  $("others").textContent = names.length ? t("Also here: {names}", { names: names.join(", ") }) : "";
  for (const line of state.lines) line.others = others.filter((person) => person.line === line.id).map((person) => person.name);
  touched();
}

const OWN = 1000; // milliseconds that the answer to one's own act may take longer than the word of it

function acts({ number: latest, who }) {
  const known = () => latest <= (state.number ?? 0);
  if (known()) return;
  if (who !== me()) refresh().then(() => say(t("{who} changed lines", { who })));
  else setTimeout(() => known() || refresh(), OWN); // perhaps done in another window
}

let said = 0; // tenths of the work that were announced
function apply({ state: now, done, total, seconds_left: left, error }) {
  const running = now === "running";
  $("applying").hidden = !running;
  const button = document.querySelector('[data-action="apply"]');
  button.setAttribute("aria-disabled", String(running));
  if (running) {
    const part = total ? done / total : 0;
    $("apply-bar").value = part;
    $("apply-left").textContent = left ? t("{seconds} s left", { seconds: number(left) }) : "";
    if (Math.floor(part * 2) > said) say(t("{percent} % applied", { percent: number(part * 100) }));
    said = Math.floor(part * 2);
    return;
  }
  said = 0;
  if (now === "failed") return complain(t("Applying failed, the film is as it was: {error}", { error: error ?? "" }));
  refresh().then(() => say(t("Applied: the film, the scripts and the report are new")));
  sound.load().catch((problem) => complain(problem.message));
}

export function start() {
  const source = new EventSource(url("events"));
  const on = (name, handler) => source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  on("presence", presence);
  on("acts", acts);
  on("apply", apply);
  let lost = false;
  source.addEventListener("error", () => {
    if (!lost) complain(t("The connection is lost; it will be tried again"));
    lost = true;
  });
  source.addEventListener("open", () => {
    if (lost) refresh().then(() => say(t("Connected again")));
    lost = false;
  });
}
