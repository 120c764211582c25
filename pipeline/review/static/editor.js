// One line: its words with what is wrong with them, candidates, time, voice, note.
import { $, h, refill } from "./dom.js";
import { post } from "./api.js";
import * as evidence from "./evidence.js";
import { focusCurrent } from "./lines.js";
import { complain, say } from "./live.js";
import { act, candidatesOf, currentLine, lineOf, shown, state, subscribe } from "./state.js";
import { bedName, clock, number, severityName, spokenTime, stateName, t } from "./text.js";

const DONE = {
  approve: t("Approved"), reject: t("Rejected: it will not be spoken"), flag: t("Flagged"), reopen: t("Undecided again"),
};
let editing = null; // the line whose words are in the field, as it was when they were put there
let checking = 0;
let missing = {}; // word → what would have to be seen or heard, as the last check said
let timer = 0;

export function show() {
  const line = currentLine();
  $("editor").hidden = !line;
  if (!line) return;
  const place = shown().indexOf(line) + 1;
  $("editor-title").textContent = t("Line {number}", { number: place });
  $("about").textContent = about(line);
  const typed = editing && editing.id === line.id && document.activeElement === $("text") && $("text").value !== editing.text;
  if (!typed) put(line);
  for (const button of document.querySelectorAll("#editor [data-state]"))
    button.setAttribute("aria-pressed", String(button.dataset.state === line.state));
  showCandidates(line);
  evidence.show(line);
  showAround(line);
  showPlace(line);
  showVoice(line);
  if (document.activeElement !== $("note")) $("note").value = line.note ?? "";
  if (!typed) check();
}

function about(line) {
  const parts = [clock(line.start), stateName(line.state)];
  if (line.clip) parts.push(t("spoken in {seconds}", { seconds: spokenTime(line.clip.seconds) }));
  if (line.recording) parts.push(t("recorded by a person"));
  if (line.dropped) parts.push(t("not spoken: {why}", { why: line.dropped }));
  if (line.note) parts.push(t("note: {note}", { note: line.note }));
  return parts.join(" · ");
}

function put(line) {
  editing = { ...line };
  $("text").value = line.text;
}

/* Words */

export async function saveText(keepalive = false) {
  const text = $("text").value.trim(), before = editing;
  if (!before || text === before.text) return;
  if (!text) return complain(t("A line needs words; delete it or reject it instead"));
  editing = { ...before, text };
  if (keepalive) {
    post("acts", { kind: "edit", line: before.id, version: before.version, text }, { keepalive: true }).catch(() => {});
    return;
  }
  const saved = await act("edit", before, { text, version: before.version });
  const now = lineOf(before.id);
  if (editing?.id === before.id) editing = { ...(now ?? editing), text: saved ? now.text : before.text };
}

function takeBack() {
  $("text").value = editing.text;
  check();
  focusCurrent();
}

/** What is right and wrong with the words in the field; only the newest answer counts. */
async function check() {
  const line = currentLine(), turn = ++checking;
  if (!line) return;
  try {
    const found = await post("check", { line: line.id, text: $("text").value, start: line.start });
    if (turn === checking) showCheck(line, found);
  } catch (error) {
    if (turn === checking) $("fit").textContent = error.message;
  }
}

function showCheck(line, found) {
  const seconds = line.measured ?? (line.clip && $("text").value === line.text ? line.clip.seconds : null);
  const length = seconds ?? found.seconds;
  const room = found.room ?? (line.room ? line.room.until - line.start : null);
  const parts = [t("{count} syllables", { count: number(found.syllables) })];
  parts.push(seconds === null
    ? t("about {seconds} s", { seconds: number(length, 1) })
    : t("measured {seconds} s", { seconds: number(length, 1) }));
  if (room !== null) parts.push(t("{room} s of room", { room: number(Math.max(0, room), 1) }));
  const over = room === null ? 0 : length - room;
  parts.push(over > 0.05 ? t("too long by {seconds} s", { seconds: number(over, 1) }) : room === null ? "" : t("fits"));
  const text = parts.filter(Boolean).join(" · ");
  if ($("fit").textContent !== text) $("fit").textContent = text;
  const fits = over <= 0.05;
  if (document.activeElement === $("text") && $("fit").dataset.fits !== String(fits) && $("fit").dataset.line === line.id)
    say(fits ? t("It fits now") : t("Too long by {seconds} s", { seconds: number(over, 1) }));
  Object.assign($("fit").dataset, { fits: String(fits), line: line.id });
  missing = found.missing ?? {};
  showFindings(line, found.findings ?? [], found.unsupported ?? []);
  for (const mark of $("candidates").querySelectorAll("[data-words]")) mark.textContent = noEvidence(JSON.parse(mark.dataset.words));
}

/** Words that claim what nobody saw or heard, each with what is missing. */
const noEvidence = (words) => t("No evidence: {words}", { words: words.map((word) => (missing[word] ? `“${word}” (${missing[word]})` : `“${word}”`)).join(", ") });

function showFindings(line, style, unsupported) {
  const film = (line.findings ?? []).map((f) => ({ severity: f.severity, message: f.text }));
  const rows = [...style, ...film].map((finding, at) =>
    h("li", { class: finding.severity },
      h("strong", {}, `${severityName(finding.severity)}: `), finding.message, finding.why ? ` ${finding.why}` : "",
      finding.fix ? h("button", { type: "button", "data-key": `fix-${at}`, onclick: () => fix(finding.fix) }, t("Write: {text}", { text: finding.fix })) : null));
  if (unsupported.length) rows.unshift(h("li", { class: "unsupported" }, noEvidence(unsupported)));
  refill($("findings"), rows, $("text"));
}

/** Take the first correction there is. */
export const firstFix = () => $("findings").querySelector("button")?.click() ?? say(t("There is nothing to correct by a key"));

async function fix(text) {
  $("text").value = text;
  await saveText();
}

/* Candidates */

function showCandidates(line) {
  const rows = candidatesOf(line).map((candidate, at) => {
    const spoken = candidate.id === line.candidate && candidate.text === line.text;
    const words = candidate.unsupported ?? [], mark = `unsupported-${at}`;
    return h("li", { class: spoken ? "spoken" : null },
      h("p", { lang: state.episode?.language }, candidate.text),
      words.length ? h("p", { class: "unsupported", id: mark, "data-words": JSON.stringify(words) }, noEvidence(words)) : null,
      h("p", { class: "why" }, why(candidate)),
      h("button", { type: "button", "data-key": candidate.id, "aria-describedby": words.length ? mark : null, "aria-pressed": String(spoken), onclick: () => swap(at) },
        spoken ? t("Candidate {number} is spoken", { number: at + 1 }) : t("Use candidate {number}", { number: at + 1 })));
  });
  refill($("candidates"), rows.length ? rows : [h("li", {}, t("Nothing else was written for this picture."))], $("editor-title"));
}

const PARTS = {
  fit: t("fit"), new: t("new"), style: t("style"), evidence: t("evidence"), likelihood: t("likelihood"),
};
function why(candidate) {
  const score = candidate.score === null ? t("left out by the ranker") : t("score {score}", { score: number(candidate.score, 2) });
  const parts = Object.entries(candidate.parts ?? {}).map(([name, value]) => `${PARTS[name] ?? name.replaceAll("_", " ")} ${number(value, 2)}`);
  const seen = (candidate.evidence ?? []).map((item) => item.value).filter(Boolean);
  return [score, parts.join(", "), seen.length ? t("from: {evidence}", { evidence: seen.join(", ") }) : "", candidate.model]
    .filter(Boolean).join(" · ");
}

export async function swap(at) {
  const line = currentLine(), candidate = line && candidatesOf(line)[at];
  if (!candidate) return say(t("There is no candidate {number}", { number: at + 1 }));
  if (candidate.text === line.text) return say(t("Candidate {number} is spoken", { number: at + 1 }));
  await act("swap", line, { candidate: candidate.id }, t("Candidate {number}: {text}", { number: at + 1, text: candidate.text }));
}

/* Decisions and places */

export async function decide(kind) {
  await saveText();
  const line = currentLine();
  if (!line) return;
  const held = { approve: "approved", reject: "rejected", flag: "flagged" }[kind] === line.state;
  const what = held ? "reopen" : kind;
  await act(what, line, {}, DONE[what]);
}

function showAround(line) {
  const near = state.utterances.filter((u) => u.end > line.start - 8 && u.start < line.start + 12);
  const row = (u) => h("li", {}, `${clock(u.start)} `, h("q", {}, u.text || t("speech")), u.start >= line.start ? ` (${t("after it")})` : ` (${t("before it")})`);
  $("around").replaceChildren(...(near.length ? near.map(row) : [h("li", {}, t("Nobody speaks near it."))]));
}

function showPlace(line) {
  if (document.activeElement !== $("start")) $("start").value = line.start;
  if (document.activeElement === $("gap")) return;
  $("gap").replaceChildren(...gapOptions(line.gap));
}

/** Gaps as options: 0:12.0–0:15.5, ambience. */
export function gapOptions(chosen) {
  return state.gaps.map((gap) => {
    const name = `${clock(gap.start)}–${clock(gap.end)}, ${bedName(gap.bed)}${gap.usable === false ? `, ${t("protected")}` : ""}`;
    return h("option", { value: gap.id, selected: gap.id === chosen }, name);
  });
}

const windowStart = (gap) => Math.round((gap.start + (gap.lead_in ?? 0)) * 1000) / 1000;
export const startOfGap = (id) => windowStart(state.gaps.find((gap) => gap.id === id));

export async function move(start) {
  const line = currentLine();
  if (!line) return;
  const to = Math.max(0, Math.round(start * 1000) / 1000);
  await act("move", line, { start: to }, t("It starts at {time}", { time: spokenTime(to) }));
}
export const nudge = (by) => currentLine() && move(currentLine().start + by);

export async function remove() {
  const line = currentLine();
  if (!line) return;
  const lines = shown(), next = lines[lines.indexOf(line) + 1] ?? lines[lines.indexOf(line) - 1];
  if (await act("delete", line, {}, t("Deleted; undo brings it back"))) {
    if (next) (await import("./lines.js")).go(next.id);
    else document.querySelector('[data-action="add"]').focus();
  }
}

export async function merge() {
  await saveText();
  const line = currentLine(), lines = shown(), next = lines[lines.indexOf(line) + 1];
  if (!next) return say(t("There is no line after it"));
  await act("merge", line, { with: next.id, with_version: next.version }, t("Joined"));
}

/* Voice and note */

function showVoice(line) {
  if ($("voice-form").contains(document.activeElement)) return;
  showVoiceName(line.voice ?? "");
  $("speed").value = line.speed ?? "";
  $("readings").value = Object.entries(line.readings ?? {}).map(([word, read]) => `${word} = ${read}`).join("\n");
  $("record-state").textContent = line.recording ? t("A person's recording is used.") : t("The voice speaks it.");
}

/** A voice that is no longer offered stays choosable, for the line has it. */
function showVoiceName(name) {
  const box = $("voice");
  if (box.options && ![...box.options].some((option) => option.value === name)) box.append(h("option", { value: name }, name));
  box.value = name;
}

function readings() {
  const pairs = $("readings").value.split("\n").map((row) => row.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([word, read]) => word && read));
}

async function saveVoice() {
  const speed = $("speed").value === "" ? null : Number($("speed").value);
  await act("voice", currentLine(), { voice: $("voice").value.trim() || null, speed, readings: readings() });
}

export function start() {
  const text = $("text");
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 150);
  });
  text.addEventListener("blur", () => saveText());
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") saveText().then(() => event.ctrlKey && decide("approve"));
    else if (event.key === "Escape") takeBack();
    else return;
    event.preventDefault();
  });
  $("editor").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) focusCurrent();
  });
  const submit = (form, run) => $(form).addEventListener("submit", (event) => (event.preventDefault(), run()));
  submit("move", () => move(Number($("start").value)));
  submit("voice-form", saveVoice);
  submit("note-form", () => act("note", currentLine(), { note: $("note").value.trim() }, t("Note saved")));
  addEventListener("pagehide", () => saveText(true));
  addEventListener("measured", () => check());
  subscribe(({ lines, current }) => {
    if (current) saveText();
    if (current || lines === null || lines.length) show();
  });
}

/** Put the focus on the words. */
export function open() {
  $("text").focus();
  $("text").setSelectionRange($("text").value.length, $("text").value.length);
}

export const cursor = () => (document.activeElement === $("text") ? $("text").selectionStart : null);
