// The review page: every action with its key, and the parts put together.
import * as editor from "./editor.js";
import * as events from "./events.js";
import { help } from "./help.js";
import * as keys from "./keys.js";
import * as lines from "./lines.js";
import { complain, say } from "./live.js";
import * as player from "./player.js";
import * as record from "./record.js";
import { load, redo, undo } from "./state.js";
import { t } from "./text.js";
import * as timeline from "./timeline.js";
import * as whole from "./whole.js";

const STEP = 0.1; // seconds that a line is moved at a key press
const SKIP = 5; // seconds of the film

keys.define({
  help: { label: t("Keys"), key: "?", run: help },
  lines: { label: t("To the list of lines"), key: "g", run: lines.focusCurrent },
  edit: { label: t("To the text"), key: "e", run: editor.open },
  next: { label: t("Next undecided line"), key: "n", run: () => lines.nextOpen() || say(t("Every line is decided")) },
  down: { label: t("Next line"), key: "j", run: () => lines.step(1) },
  up: { label: t("Line before"), key: "k", run: () => lines.step(-1) },
  approve: { label: t("Approve"), key: "a", run: () => editor.decide("approve") },
  reject: { label: t("Reject"), key: "r", run: () => editor.decide("reject") },
  flag: { label: t("Flag"), key: "f", run: () => editor.decide("flag") },
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [
    `swap${number}`,
    { label: t("Use candidate {number}", { number }), key: String(number), run: () => editor.swap(number - 1) },
  ])),
  fix: { label: t("Take the first correction"), key: "x", run: editor.firstFix },
  speak: { label: t("Hear the voice"), key: "v", run: player.speak },
  play: { label: t("Play or pause"), key: "Space", run: player.toggle },
  playLine: { label: t("Play the line in the film"), key: "p", run: player.playLine },
  loop: { label: t("Loop the line"), key: "l", run: player.toggleLoop },
  mode: { label: t("Original, described, narration only"), key: "m", run: player.nextMode },
  eyes: { label: t("Hide the picture"), key: "b", run: player.toggleEyes },
  position: { label: t("Say the position"), key: "t", run: player.sayPosition },
  slower: { label: t("Slower"), key: "[", run: () => player.stepRate(-1) },
  faster: { label: t("Faster"), key: "]", run: () => player.stepRate(1) },
  back: { label: t("5 seconds back"), key: "Shift+ArrowLeft", run: () => player.seek(player.now() - SKIP) },
  on: { label: t("5 seconds on"), key: "Shift+ArrowRight", run: () => player.seek(player.now() + SKIP) },
  earlier: { label: t("Line earlier by 0.1 s"), key: ",", run: () => editor.nudge(-STEP) },
  later: { label: t("Line later by 0.1 s"), key: ".", run: () => editor.nudge(STEP) },
  toGap: { label: t("Move into the gap"), key: "G", run: () => editor.move(editor.startOfGap(document.getElementById("gap").value)) },
  split: { label: t("Split"), key: "s", run: () => whole.split(editor.cursor()) },
  merge: { label: t("Join with the next line"), key: "J", run: editor.merge },
  add: { label: t("Add a line"), key: "i", run: whole.add },
  delete: { label: t("Delete"), key: "Delete", run: editor.remove },
  record: { label: t("Record"), key: "R", run: record.toggle },
  undo: { label: t("Undo"), key: "Control+Z", run: undo },
  redo: { label: t("Redo"), key: "Control+Shift+Z", run: redo },
  problems: { label: t("Problems"), key: "q", run: whole.problems },
  replace: { label: t("Find and replace"), key: "/", run: whole.replace },
  rename: { label: t("Rename a character"), key: "N", run: whole.rename },
  why: { label: t("Why this line?"), key: "w", run: whole.whyLine },
  whyHere: { label: t("Why is nothing said here?"), key: "W", run: () => whole.whyHere() },
  history: { label: t("History"), key: "h", run: whole.history },
  compare: { label: t("Compare with the draft"), key: "c", run: whole.compare },
  levels: { label: t("Levels"), key: "L", run: whole.levels },
  windowBack: { label: t("Timeline back"), key: "<", run: () => timeline.turn(-1) },
  windowOn: { label: t("Timeline on"), key: ">", run: () => timeline.turn(1) },
  export: { label: t("Export"), key: "E", run: whole.exports },
  apply: { label: t("Apply"), key: "A", run: whole.apply },
  deliver: { label: t("Deliver"), key: "D", run: whole.deliver },
});

for (const part of [player, editor, record, timeline]) part.start();
lines.start(editor.open);
keys.listen();
load()
  .then(() => {
    document.documentElement.dataset.ready = "true";
    performance.mark("ready");
    events.start();
  })
  .catch((error) => complain(error.message));
