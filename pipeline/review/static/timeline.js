// Shots, dialogue, gaps with their beds, narration and loudness of a window of the film: a picture and a list.
import { $, h, refill, s } from "./dom.js";
import { go } from "./lines.js";
import { complain } from "./live.js";
import { loudness, now, seek } from "./player.js";
import { currentLine, shown, state, subscribe } from "./state.js";
import { bedName, clock, number, t } from "./text.js";
import { whyHere } from "./whole.js";

let from = 0;
let levels = null; // {step, values}
const QUIET = -60, LOUD = 0; // LUFS at the bottom and the top of the loudness row
const span = () => Number($("span").value);

const ROWS = [
  { name: t("shots"), kind: "shot" },
  { name: t("dialogue"), kind: "dialogue" },
  { name: t("gaps"), kind: "gap" },
  { name: t("narration"), kind: "narration" },
  { name: t("loudness"), kind: "loudness" },
];

/** Everything that meets the window, as {kind, start, end, what, text, line?}, by time. */
function contents() {
  const until = from + span();
  const inside = (item) => item.start < until && item.end > from;
  const shots = state.shots.map((shot, at) => ({ ...shot, kind: "shot", what: t("shot"), text: number(at + 1) }));
  const speech = state.utterances.map((u) => ({ ...u, kind: "dialogue", what: t("dialogue"), text: u.text || t("speech") }));
  const gaps = state.gaps.map((gap) => ({ ...gap, kind: "gap", what: t("gap"), text: [bedName(gap.bed), gap.usable === false ? gap.why || t("protected") : ""].filter(Boolean).join(", "), silent: !shown().some((line) => line.gap === gap.id) }));
  const lines = shown().map((line) => ({ kind: "narration", start: line.start, end: line.start + (line.clip?.seconds ?? 2), what: t("narration"), text: line.text, line: line.id }));
  const order = { shot: 0, gap: 1, dialogue: 2, narration: 3 };
  return [...shots, ...speech, ...gaps, ...lines].filter(inside).sort((a, b) => a.start - b.start || order[a.kind] - order[b.kind]);
}

function values(start, end) {
  if (!levels) return [];
  return levels.values.slice(Math.floor(start / levels.step), Math.ceil(end / levels.step)).filter((value) => value !== null);
}

/** Mean of a stretch, of energies as loudness is. */
function level(start, end) {
  const found = values(start, end);
  if (!found.length) return "";
  const mean = found.reduce((sum, lufs) => sum + 10 ** (lufs / 10), 0) / found.length;
  return t("{lufs} LUFS", { lufs: number(10 * Math.log10(mean), 1) });
}

function picture(items) {
  const drawn = s("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", class: "tracks" });
  const x = (time) => ((time - from) / span()) * 1000;
  for (const item of items) {
    const row = ROWS.findIndex(({ kind }) => kind === item.kind);
    const left = Math.max(0, x(item.start)), right = Math.min(1000, x(item.end));
    const classes = ["track", item.kind, item.bed ?? "", item.usable === false ? "unusable" : "", item.line && item.line === currentLine()?.id ? "current" : ""];
    drawn.append(s("rect", { x: left, y: row * 20 + 2, width: Math.max(2, right - left - 1), height: 16, class: classes.filter(Boolean).join(" ") }));
  }
  if (levels) drawn.append(s("polyline", { points: curve(x), class: "curve" }));
  drawn.append(s("line", { id: "head", y1: 0, y2: 100, x1: -10, x2: -10, class: "head" }));
  return [h("div", { class: "track-names" }, ROWS.map((row) => h("span", {}, row.name))), drawn];
}

function curve(x) {
  const first = Math.floor(from / levels.step), last = Math.ceil((from + span()) / levels.step);
  return levels.values.slice(first, last).map((value, at) => {
    const height = ((Math.max(value ?? QUIET, QUIET) - QUIET) / (LOUD - QUIET)) * 18;
    return `${x((first + at) * levels.step).toFixed(1)},${(99 - height).toFixed(1)}`;
  }).join(" ");
}

/** The button of a gap in which nothing is spoken. */
function asked(item, at) {
  const name = t("Why is nothing said at {time}?", { time: clock(item.start) });
  return [" ", h("button", { type: "button", "data-key": `why${at}`, "aria-label": name, onclick: () => whyHere((item.start + item.end) / 2) }, t("Why nothing?"))];
}

function listed(item, at) {
  const jump = item.line ? () => go(item.line) : () => seek(item.start);
  const name = item.line ? t("Go to the line at {time}", { time: clock(item.start) }) : t("Go to {time} in the film", { time: clock(item.start) });
  return h("tr", { class: item.line && item.line === currentLine()?.id ? "current" : null },
    h("th", { scope: "row" }, h("button", { type: "button", "data-key": `${item.kind}${at}`, "aria-label": name, onclick: jump }, `${clock(item.start)}–${clock(item.end)}`)),
    h("td", {}, item.what), h("td", {}, item.text, item.silent ? asked(item, at) : null), h("td", {}, level(item.start, item.end)));
}

export function render() {
  const items = contents();
  $("window").textContent = t("{from} to {until}", { from: clock(from), until: clock(Math.min(from + span(), state.episode?.duration ?? 0)) });
  $("strip").replaceChildren(...picture(items));
  if ($("twin-box").open) refill($("twin").tBodies[0], items.map(listed), $("twin-box").firstElementChild);
  follow();
}

/** Show the window that holds a second. */
function reach(second) {
  if (second >= from && second < from + span()) return false;
  from = Math.max(0, Math.floor(second / span()) * span());
  return true;
}

export function turn(by) {
  const last = Math.max(0, (state.episode?.duration ?? 0) - 1);
  from = Math.min(Math.max(0, from + by * span()), Math.floor(last / span()) * span());
  render();
}

function follow() {
  const head = $("head"), at = ((now() - from) / span()) * 1000;
  head?.setAttribute("x1", at);
  head?.setAttribute("x2", at);
}

export function start() {
  $("span").addEventListener("change", () => {
    from = Math.floor(from / span()) * span();
    render();
  });
  $("twin-box").addEventListener("toggle", render);
  $("strip").addEventListener("click", (event) => {
    const box = $("strip").querySelector("svg").getBoundingClientRect();
    seek(from + ((event.clientX - box.left) / box.width) * span());
  });
  addEventListener("played", () => (reach(now()) ? render() : follow()));
  subscribe((change) => {
    if (change.current && currentLine()) reach(currentLine().start);
    render();
  });
  loudness().then((found) => ((levels = found), render())).catch((error) => complain(error.message));
}
