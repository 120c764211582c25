// The episode as the page knows it. Everything that shows it subscribes; every change goes through `act`.
import { begun, get, post, Refused } from "./api.js";
import { complain, say } from "./live.js";
import { t } from "./text.js";

export const state = { lines: [], keyframes: [], candidates: {}, gaps: [], shots: [], utterances: [], dirty: false };
let current = null;
const listeners = new Set();

/** Call `listener(change)` after every change: {lines: ids or null for all, current: whether it moved}. */
export const subscribe = (listener) => listeners.add(listener);
const tell = (change) => listeners.forEach((listener) => listener({ lines: [], current: false, ...change }));

export const shown = () => state.lines.filter((line) => !line.deleted);
export const lineOf = (id) => state.lines.find((line) => line.id === id) ?? null;
export const currentLine = () => lineOf(current);
export const keyframeOf = (line) =>
  state.keyframes.find((keyframe) => keyframe.id === line.keyframe) ?? nearestKeyframe(line);
export const candidatesOf = (line) => state.candidates[keyframeOf(line)?.id] ?? [];

function nearestKeyframe(line) {
  const time = line.keyframe_time ?? line.start;
  const away = (keyframe) => Math.abs(keyframe.time - time);
  return state.keyframes.reduce((best, k) => (best === null || away(k) < away(best) ? k : best), null);
}

export function choose(id) {
  if (id === current) return;
  current = id;
  post("presence", { line: id }).catch(() => {}); // only a courtesy to others
  tell({ current: true });
}

let first = begun("state");

/** Take the whole state from the server; the first time what the page began to load before its scripts ran. */
export async function load() {
  const answer = first ?? get("state");
  first = null;
  Object.assign(state, await answer);
  state.lines.sort((a, b) => a.start - b.start);
  if (!currentLine() || currentLine().deleted) current = shown()[0]?.id ?? null;
  tell({ lines: null, current: true });
}

function take(answer) {
  for (const line of answer.lines ?? []) {
    const at = state.lines.findIndex((known) => known.id === line.id);
    const known = at < 0 ? {} : state.lines[at];
    const words = known.text === line.text && known.voice === line.voice && known.speed === line.speed;
    const measured = words ? {} : { clip: null, measured: null, findings: [] };
    const merged = { ...known, ...measured, ...line };
    if (at < 0) state.lines.push(merged);
    else state.lines[at] = merged;
  }
  state.lines.sort((a, b) => a.start - b.start);
  state.number = Math.max(state.number ?? 0, answer.number ?? 0);
  state.dirty = true;
  if (currentLine()?.deleted) current = shown()[0]?.id ?? null;
  tell({ lines: (answer.lines ?? []).map((line) => line.id) });
}

const STRUCTURAL = new Set(["move", "split", "merge", "delete", "add", "rename", "replace"]);
let conflict = () => {};
export const onConflict = (handler) => (conflict = handler);

/** Do `kind` to `line`; the answer, or null where it was refused (which has been said). */
export function act(kind, line, fields = {}, done = t("Saved")) {
  // A line's version is read when its turn comes: the act before may have been ours, on the same line.
  const version = () => (line ? { line: line.id, version: lineOf(line.id)?.version ?? line.version } : {});
  past.clear();
  const send = () => post("acts", { kind, ...version(), ...fields });
  return attempt(send, done, STRUCTURAL.has(kind), { kind, line, fields });
}

const past = new Set(); // own gestures that others built on: told once, then the next undo takes back what was before
async function takeBack() {
  try {
    return await post("undo", { past: [...past] });
  } catch (error) {
    if (error.code === "blocked") past.add(error.body.group);
    throw error;
  }
}
export const undo = () => attempt(takeBack, t("Undone"), true);
export const redo = () => attempt(() => post("redo"), t("Done again"), true);

let queue = Promise.resolve();

/** Send something that answers with changed lines, after all that was sent before; `what` helps to solve a conflict. */
export function attempt(send, done, reload = false, what = null) {
  const turn = queue.then(() => attempted(send, done, reload, what));
  queue = turn.catch(() => {});
  return turn;
}

async function attempted(send, done, reload, what) {
  try {
    const answer = await send();
    take(answer);
    if (done) say(done);
    if (reload) load().catch((error) => complain(error.message));
    return answer;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code === "conflict" && what) {
      take({ lines: error.body.lines ?? [] });
      conflict(what, error.body);
    } else complain(error.message);
    return null;
  }
}

/** Look again: somebody else changed something, or the film was made anew. */
export const refresh = () => load().catch((error) => complain(error.message));

/** Tell the views that something about lines changed that is not kept (who is where). */
export const touched = () => tell({ lines: state.lines.map((line) => line.id) });

export function progress() {
  const lines = shown();
  return {
    total: lines.length,
    decided: lines.filter((line) => line.state === "approved" || line.state === "rejected").length,
    errors: lines.filter((line) => (line.findings ?? []).some((f) => f.severity === "error")).length,
  };
}
