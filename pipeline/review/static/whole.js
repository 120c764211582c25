// Dialogs about the whole episode: problems, history, comparison, levels, renaming, replacing, export, delivery.
import { get, post, url } from "./api.js";
import { field, open, table, told } from "./dialogs.js";
import { $, h } from "./dom.js";
import { gapOptions, startOfGap } from "./editor.js";
import { go } from "./lines.js";
import { complain, say } from "./live.js";
import { loudness, now } from "./player.js";
import { act, attempt, currentLine, lineOf, onConflict, shown, state } from "./state.js";
import { clock, date, number, severityName, stateName, t } from "./text.js";

const later = (body) => (dialog) => {
  const box = h("div", { "aria-busy": "true" }, h("p", {}, t("Loading …")));
  body(dialog)
    .then((children) => box.replaceChildren(...[children].flat()))
    .catch((error) => box.replaceChildren(h("p", { role: "alert" }, error.message)))
    .finally(() => box.removeAttribute("aria-busy"));
  return box;
};

/** A button that closes the dialog and goes to a line. */
const jump = (close, id, label) => h("button", { type: "button", onclick: () => (close(), go(id)) }, label);
const lineName = (id) => {
  const line = lineOf(id);
  return line && !line.deleted ? t("Line {number}, {time}", { number: shown().indexOf(line) + 1, time: clock(line.start) }) : t("a deleted line");
};

export const problems = () => open(t("Problems"), later(async (close) => findingsList((await get("qc")).findings, close)), { wide: true });

function findingsList(findings, close) {
  const bad = findings.filter((finding) => finding.severity === "error" || finding.severity === "warning");
  if (!bad.length) return h("p", {}, t("No errors and no warnings."));
  const rows = bad.map((finding) => {
    const jumps = (finding.lines ?? []).filter((id) => lineOf(id)).map((id) => jump(close, id, t("Go to {line}", { line: lineName(id) })));
    return h("li", { class: finding.severity }, h("strong", {}, `${severityName(finding.severity)}: `), finding.text, " ", ...jumps);
  });
  return h("ul", { class: "findings" }, rows);
}

/** Why a line is spoken, or why nothing is said at a second: what was seen, offered, refused and lost. */
const explain = (title, at) => open(title, later(async () => (await get(`why?at=${encodeURIComponent(at)}`)).sections.map(section)), { wide: true });

const section = ({ title, picture, entries }) => h("section", {},
  h("h3", {}, title),
  picture ? h("img", { src: url(`keyframes/${encodeURIComponent(picture)}`), alt: t("The picture"), class: "still", width: "320" }) : null,
  h("ul", {}, entries.map((entry) => h("li", {}, entry.text, " ",
    entry.said ? h("q", { lang: state.episode?.language }, entry.said) : null,
    entry.more.length ? h("ul", {}, entry.more.map((line) => h("li", {}, line))) : null))));

export const whyLine = () => {
  const line = currentLine();
  if (!line) return say(t("No line is shown."));
  explain(t("Why this line?"), line.id);
};
export const whyHere = (second = now()) => explain(t("Why is nothing said here?"), second.toFixed(3));

const KINDS = {
  swap: t("chose another candidate"), edit: t("changed the text"), move: t("moved it"), split: t("split it"),
  merge: t("joined it"), delete: t("deleted it"), add: t("added it"), voice: t("changed the voice"),
  record: t("recorded it"), approve: t("approved it"), reject: t("rejected it"), flag: t("flagged it"),
  reopen: t("opened it again"), note: t("wrote a note"), rename: t("renamed a character"), replace: t("replaced words"),
  undo: t("took a change back"), redo: t("made a change again"),
};

function changed(act) {
  if (!act.before || act.before.text !== act.after.text) return act.after.text;
  if (act.before.start !== act.after.start) return `${clock(act.before.start)} → ${clock(act.after.start)}`;
  return act.before.state !== act.after.state ? stateName(act.after.state) : act.after.note || act.after.text;
}

export const history = () => open(t("History"), later(async (close) => {
  const { acts } = await get("history");
  if (!acts.length) return h("p", {}, t("Nobody has changed anything yet."));
  return table(t("Who changed what, newest first"), [t("When"), t("Who"), t("What"), t("Now"), t("Line")],
    acts.map((a) => [date(a.at), a.who, KINDS[a.kind] ?? a.kind, changed(a), lineOf(a.line) ? jump(close, a.line, lineName(a.line)) : ""]));
}), { wide: true });

export const compare = () => open(t("Compare with the draft"), later(async (close) => {
  const { lines } = await get("compare");
  if (!lines.length) return h("p", {}, t("Every line is as the machine drafted it."));
  return table(t("What the machine drafted, and what stands now"), [t("Time"), t("Draft"), t("Now"), t("Line")],
    lines.map((row) => [clock(row.start), row.draft || t("nothing"), row.now || t("nothing"),
      lineOf(row.line)?.deleted === false ? jump(close, row.line, lineName(row.line)) : ""]));
}), { wide: true });

export const levels = () => open(t("Levels"), later(async () => [...compared((await get("levels")).levels), await loudnessTable()]), { wide: true });

/** The levels of detail side by side: a row for every pause of the film, a column for every level. */
function compared(found) {
  if (!found.length) return [h("p", {}, t("This film was described at one level of detail; vdesc run --levels makes several."))];
  const pauses = [...new Set(found.flatMap((level) => level.lines.map((line) => line.gap)))].sort((a, b) => a - b);
  const said = (level, gap) => level.lines.filter((line) => line.gap === gap)
    .map((line) => h("p", { lang: state.episode?.language }, `${clock(line.start)} ${line.text}`));
  const cell = (level, gap) => (said(level, gap).length ? h("div", {}, said(level, gap)) : t("nothing"));
  return [
    table(t("Lines of each level of detail, by the pauses of the film"), [t("Pause"), ...found.map((level) => level.name)],
      pauses.map((gap) => [clock(gap), ...found.map((level) => cell(level, gap))])),
    h("h3", {}, t("Described films")),
    h("ul", { class: "levels" }, found.map(film)),
  ];
}

function film(level) {
  const name = t("{level}: {count} lines", { level: level.name, count: number(level.lines.length) });
  const player = level.described && h("video", { controls: true, preload: "none", src: level.described, "aria-label": t("Described film, {level}", { level: level.name }) });
  return h("li", {}, h("p", {}, name, level.here ? ` (${t("open here")})` : " ", level.here ? null : h("a", { href: level.url }, t("Review {level}", { level: level.name }))),
    player || h("p", {}, t("Its described film is not made yet.")));
}

async function loudnessTable() {
  const { step, values } = await loudness();
  const mean = (start, end) => {
    const found = values.slice(Math.floor(start / step), Math.ceil(end / step)).filter((value) => value !== null);
    return found.length ? number(10 * Math.log10(found.reduce((sum, v) => sum + 10 ** (v / 10), 0) / found.length), 1) : "–";
  };
  return table(t("Loudness of the programme around every line, LUFS"), [t("Line"), t("5 s before"), t("Under it"), t("5 s after")],
    shown().map((line) => {
      const end = line.start + (line.clip?.seconds ?? 2);
      return [lineName(line.id), mean(Math.max(0, line.start - 5), line.start), mean(line.start, end), mean(end, end + 5)];
    }));
}

/** Rename and replace: two fields, a preview, and one act for all lines. */
function change(kind, title, labels, button) {
  const names = kind === "rename" ? ["from", "to"] : ["find", "to"];
  open(title, (close) => {
    const inputs = labels.map((_, at) => h("input", { type: "text", required: at === 0, autocomplete: "off", autofocus: at === 0 }));
    const preview = h("ul", { class: "preview", "aria-label": t("What would change") }), status = told();
    const fields = () => Object.fromEntries(names.map((name, at) => [name, inputs[at].value]));
    let turn = 0;
    const look = async () => {
      const mine = ++turn;
      if (!inputs[0].value) return preview.replaceChildren();
      try {
        const { lines } = await post("acts", { kind, ...fields(), preview: true });
        if (mine !== turn) return;
        status.textContent = t("{count} lines would change", { count: number(lines.length) });
        preview.replaceChildren(...lines.map((line) => h("li", {}, h("del", {}, line.before), " → ", h("ins", {}, line.after))));
      } catch (error) {
        if (mine === turn) status.textContent = error.message;
      }
    };
    let timer = 0;
    for (const input of inputs) input.addEventListener("input", () => (clearTimeout(timer), (timer = setTimeout(look, 200))));
    const submit = async (event) => {
      event.preventDefault();
      clearTimeout(timer);
      turn++;
      const answer = await attempt(() => post("acts", { kind, ...fields() }), null, true);
      if (!answer) return (status.textContent = $("alert").textContent);
      close();
      say(t("{count} lines changed", { count: number(answer.lines.length) }));
    };
    return h("form", { onsubmit: submit }, labels.map((label, at) => field(label, inputs[at])), h("div", { class: "row" }, h("button", { class: "strong" }, button)), status, preview);
  });
}

export const rename = () => change("rename", t("Rename a character"), [t("Name now"), t("New name")], t("Rename everywhere"));
export const replace = () => change("replace", t("Find and replace"), [t("Find"), t("Replace by")], t("Replace all"));

export function add() {
  open(t("Add a line"), (close) => {
    const gap = h("select", {}, gapOptions(currentLine()?.gap));
    const at = h("input", { type: "number", min: "0", step: "0.001", required: true });
    const text = h("textarea", { rows: "2", required: true, maxlength: "1000", autofocus: true, lang: state.episode?.language });
    const place = () => (at.value = gap.value ? startOfGap(gap.value) : now().toFixed(1));
    gap.addEventListener("change", place);
    place();
    const submit = async (event) => {
      event.preventDefault();
      const before = new Set(state.lines.map((line) => line.id));
      const answer = await act("add", null, { start: Number(at.value), text: text.value.trim() }, t("Added"));
      if (!answer) return (status.textContent = $("alert").textContent);
      close();
      const made = answer.lines.find((line) => !before.has(line.id));
      if (made) go(made.id);
    };
    const status = told();
    return h("form", { onsubmit: submit }, field(t("Text"), text), field(t("In the gap"), gap), field(t("Starts at (seconds)"), at), h("div", { class: "row" }, h("button", { class: "strong" }, t("Add"))), status);
  });
}

/** Split: at the cursor's word, which can be chosen anew from the list of words. */
export function split(cursor) {
  const line = currentLine();
  if (!line) return;
  const places = [...line.text.matchAll(/\s+(?=\S)/g)].map((match) => match.index + match[0].length);
  if (!places.length) return say(t("One word cannot be split"));
  const middle = cursor ?? line.text.length / 2;
  const near = places.reduce((best, place) => (Math.abs(place - middle) < Math.abs(best - middle) ? place : best));
  open(t("Split"), (close) => {
    const where = h("select", { autofocus: true }, places.map((place) =>
      h("option", { value: place, selected: place === near }, `${line.text.slice(0, place).trim()} | ${line.text.slice(place)}`)));
    const submit = async (event) => {
      event.preventDefault();
      close();
      await act("split", line, { at: Number(where.value) }, t("Split in two"));
    };
    return h("form", { onsubmit: submit }, field(t("The second line begins after the bar"), where), h("div", { class: "row" }, h("button", { class: "strong" }, t("Split"))));
  });
}

const formats = () => document.querySelector("[data-formats]").dataset.formats.split(" ");
export const exports = () => open(t("Export"), () => [
  h("p", {}, t("The last applied narration, as a file:")),
  h("ul", {}, formats().map((format) => h("li", {}, h("a", { href: url(`export/${format}`), download: true }, format.toUpperCase())))),
]);

export async function apply() {
  try {
    await post("apply");
    say(t("Applying the changes"));
  } catch (error) {
    complain(error.message);
  }
}

export async function deliver() {
  try {
    await post("deliver");
    say(t("Delivered"));
  } catch (error) {
    if (!error.body?.findings) return complain(error.message);
    open(t("Not delivered: errors stand"), (close) => [h("p", {}, error.message), findingsList(error.body.findings, close)], { wide: true });
  }
}

/** Somebody else changed the line meanwhile: what they made of it, what you wanted, and a text to make of both. */
onConflict((what, body) => {
  const theirs = lineOf(what.line?.id);
  if (!theirs || what.kind !== "edit") return complain(t("Somebody changed this line meanwhile; look at it and try again"));
  open(t("Somebody changed this line meanwhile"), (close) => {
    const both = h("textarea", { rows: "3", autofocus: true }, body.suggested?.find((line) => line.id === theirs.id)?.text ?? what.fields.text);
    const submit = async (event) => {
      event.preventDefault();
      close();
      await act("edit", lineOf(theirs.id), { text: both.value.trim() });
    };
    return [
      h("dl", {}, h("dt", {}, t("Theirs")), h("dd", {}, theirs.text), h("dt", {}, t("Yours")), h("dd", {}, what.fields.text)),
      h("form", { onsubmit: submit }, field(t("Text"), both), h("div", { class: "row" },
        h("button", { class: "strong" }, t("Save this text")), h("button", { type: "button", onclick: close }, t("Keep theirs")))),
    ];
  });
});
