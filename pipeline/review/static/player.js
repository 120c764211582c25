// The film: modes, rate, position, a line from two seconds before, a line in a loop, the picture hidden.
import { $ } from "./dom.js";
import { get, post, url } from "./api.js";
import { complain, say } from "./live.js";
import { Sound } from "./sound.js";
import { currentLine, state, subscribe } from "./state.js";
import { clock, number, spokenTime, t } from "./text.js";

const BEFORE = 2; // seconds that are heard before a line
const AFTER = 0.7;
const MODES = ["original", "described", "narration"];
const modeName = { original: t("Original"), described: t("Described"), narration: t("Narration only") };
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

const video = $("film");
export const sound = new Sound(video);
let loop = null;
let elsewhere = false; // once the film was played it stays where it is

export function start() {
  sound.load().catch((error) => complain(error.message));
  $("position").addEventListener("input", () => (video.currentTime = Number($("position").value)));
  for (const radio of document.querySelectorAll("input[name=mode]"))
    radio.addEventListener("change", () => setMode(radio.value));
  $("rate").addEventListener("change", () => setRate(Number($("rate").value)));
  video.addEventListener("timeupdate", follow);
  for (const event of ["play", "pause", "ended"]) video.addEventListener(event, showPlaying);
  video.addEventListener("error", () => complain(t("The film cannot be played here; the lines can be reviewed without it")));
  subscribe(({ lines, current }) => {
    if (lines === null) showLength();
    const line = currentLine();
    if (current && line && video.paused && !elsewhere) seek(line.start);
  });
  video.addEventListener("play", () => (elsewhere = true));
  showLength();
}

function showLength() {
  $("position").max = state.episode?.duration ?? 0;
  follow();
}

const END = (line) => line.start + (line.clip?.seconds ?? Math.max(1, line.text.length / 7));

function follow() {
  const now = video.currentTime;
  if (loop && now > END(loop) + AFTER) video.currentTime = Math.max(0, loop.start - BEFORE);
  const shown = clock(now);
  if ($("now").textContent === shown) return;
  $("now").textContent = shown;
  $("position").value = now;
  $("position").setAttribute("aria-valuetext", spokenTime(now));
  dispatchEvent(new CustomEvent("played", { detail: now }));
}

function showPlaying() {
  $("play").textContent = video.paused ? t("Play") : t("Pause");
}

export async function toggle() {
  if (!video.paused) return video.pause();
  await sound.open();
  await video.play().catch((error) => error.name !== "AbortError" && complain(t("The film cannot be played here; the lines can be reviewed without it")));
}

export async function playLine() {
  const line = currentLine();
  if (!line) return;
  video.currentTime = Math.max(0, line.start - BEFORE);
  if (video.paused) await toggle();
}

export function toggleLoop() {
  loop = loop ? null : currentLine();
  $("loop").setAttribute("aria-pressed", String(Boolean(loop)));
  say(loop ? t("This line plays in a loop") : t("No loop"));
  if (loop) playLine();
}

export function setMode(mode) {
  sound.setMode(mode);
  document.querySelector(`input[name=mode][value=${mode}]`).checked = true;
  say(modeName[mode]);
}
export const nextMode = () => setMode(MODES[(MODES.indexOf(sound.mode) + 1) % MODES.length]);

function setRate(rate) {
  video.playbackRate = rate;
  $("rate").value = String(rate);
  say(t("Rate {rate}", { rate: number(rate, 2) }));
}
export function stepRate(by) {
  const at = RATES.indexOf(video.playbackRate) + by;
  setRate(RATES[Math.min(Math.max(at, 0), RATES.length - 1)]);
}

export function seek(seconds) {
  video.currentTime = Math.min(Math.max(0, seconds), state.episode?.duration ?? seconds);
}
export const now = () => video.currentTime;

export function toggleEyes() {
  const hidden = $("player").classList.toggle("eyes-closed");
  $("eyes").setAttribute("aria-pressed", String(hidden));
  say(hidden ? t("The picture is hidden") : t("The picture is shown"));
}

export const sayPosition = () => say(spokenTime(video.currentTime));

let voice = null;
/** Hear the line alone in its voice as it would be spoken now. */
export async function speak() {
  const line = currentLine();
  if (!line) return;
  try {
    const made = await post(`lines/${line.id}/speak`);
    voice?.pause();
    voice = new Audio(made.url.startsWith("/") ? made.url : url(made.url));
    await voice.play();
    line.measured = made.seconds;
    dispatchEvent(new CustomEvent("measured", { detail: { id: line.id, seconds: made.seconds } }));
    sound.load().catch(() => {}); // the film may play the new voice from now on
  } catch (error) {
    complain(error.message);
  }
}
export const loudness = () => get("loudness");
