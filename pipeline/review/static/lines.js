// The list of lines: a list box, one tab stop, arrows move. Screen readers pass all keys through inside it.
import { $, h } from "./dom.js";
import { choose, currentLine, progress, shown, subscribe } from "./state.js";
import { clock, number, severityName, stateName, t } from "./text.js";

const list = $("lines");
const rows = new Map();
let filter = "all";
const FILTERS = {
  all: () => true,
  open: (line) => line.state === "draft" || line.state === "flagged",
  problems: (line) => worst(line) !== null,
  flagged: (line) => line.state === "flagged",
  approved: (line) => line.state === "approved",
  rejected: (line) => line.state === "rejected",
  unsupported: (line) => unproven(line).length > 0,
};

function worst(line) {
  const severities = (line.findings ?? []).map((finding) => finding.severity);
  return ["error", "warning"].find((severity) => severities.includes(severity)) ?? (line.dropped ? "warning" : null);
}

/** Words without evidence; who approves the line answers for them. */
const unproven = (line) => (line.state === "approved" ? [] : line.unsupported ?? []);

function marks(line) {
  const problem = worst(line);
  return [
    line.state === "draft" ? "" : stateName(line.state),
    problem ? severityName(problem) : "",
    unproven(line).length ? t("no evidence: {words}", { words: unproven(line).join(", ") }) : "",
    line.recording ? t("recorded") : "",
    line.others?.length ? t("{name} is here", { name: line.others.join(", ") }) : "",
  ].filter(Boolean);
}

function fill(row, line, place) {
  const signature = JSON.stringify([place, line.start, line.text, marks(line)]);
  if (row.signature === signature) return;
  row.signature = signature;
  row.dataset.state = line.state;
  row.dataset.problem = worst(line) ?? "";
  row.replaceChildren(
    h("span", { class: "number" }, `${place} `),
    h("time", {}, `${clock(line.start)} `),
    h("span", { class: "words" }, `${line.text} `),
    h("span", { class: "marks" }, marks(line).join(", ")),
  );
}

function rowOf(line) {
  if (!rows.has(line.id)) rows.set(line.id, h("li", { id: `line-${line.id}`, role: "option", tabindex: "-1" }));
  return rows.get(line.id);
}

export function render() {
  const lines = shown();
  const wanted = lines.filter((line) => FILTERS[filter](line) || line === currentLine());
  const places = new Map(lines.map((line, at) => [line, at + 1]));
  const elements = wanted.map((line) => {
    const row = rowOf(line);
    fill(row, line, places.get(line));
    return row;
  });
  const had = list.contains(document.activeElement) ? document.activeElement : null;
  if (elements.length !== list.children.length || elements.some((row, at) => list.children[at] !== row))
    list.replaceChildren(...elements);
  mark();
  if (had && document.activeElement !== had) (had.isConnected ? had : current())?.focus();
  $("none").hidden = elements.length > 0;
  showProgress();
}

const current = () => (currentLine() ? rows.get(currentLine().id) : null);

function mark() {
  for (const row of list.querySelectorAll("[aria-selected=true], [tabindex='0']")) {
    row.setAttribute("aria-selected", "false");
    row.tabIndex = -1;
  }
  const row = current();
  if (!row) return;
  row.setAttribute("aria-selected", "true");
  row.tabIndex = 0;
}

function showProgress() {
  const { decided, total, errors } = progress();
  const fields = { decided: number(decided), total: number(total), errors: number(errors) };
  $("progress").textContent = t("{decided} of {total} lines decided, {errors} with errors", fields);
}

/** Select a line and put the focus on it. */
export function go(id, focus = true) {
  choose(id);
  const row = rows.get(id);
  if (!row?.isConnected) render();
  row?.scrollIntoView({ block: "nearest" });
  if (focus) row?.focus();
}

export const focusCurrent = () => currentLine() && go(currentLine().id);

export function step(by) {
  const all = [...list.children];
  const at = Math.min(Math.max(all.indexOf(current()) + by, 0), all.length - 1);
  if (all[at]) go(all[at].id.slice("line-".length));
}

/** The next line after this one that nobody decided on. Returns whether there is one. */
export function nextOpen() {
  const lines = shown();
  const at = lines.indexOf(currentLine());
  const next = [...lines.slice(at + 1), ...lines.slice(0, at)].find(FILTERS.open);
  if (next) go(next.id);
  return Boolean(next);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, End: 1e9, Home: -1e9 };

export function start(open) {
  list.setAttribute("role", "listbox");
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in STEPS) step(STEPS[event.key]);
    else if (event.key === "Enter") open();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) go(row.id.slice("line-".length));
  });
  $("filter").addEventListener("change", () => {
    filter = $("filter").value;
    render();
  });
  subscribe((change) => (change.lines === null || change.lines.length ? render() : mark()));
}
