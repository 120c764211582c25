// The narration as it will sound: clips scheduled against the film's clock, the programme dipping under them.
import { get, url } from "./api.js";

const AHEAD = 20; // seconds that are decoded and scheduled in advance
const DRIFT = 0.04; // seconds between film and narration that are still one sound
const CACHED = 60; // decoded clips that are kept

const linear = (db) => 10 ** (db / 20);
const address = (clip) => clip.url ?? url(`clips/${clip.file}`);

export class Sound {
  /** `video` plays the programme; `mode` is original, described or narration. */
  constructor(video) {
    this.video = video;
    this.mode = "described";
    this.plan = { ducks: [], clips: [] };
    this.buffers = new Map();
    this.playing = [];
    for (const event of ["playing", "seeked", "ratechange"]) video.addEventListener(event, () => this.schedule());
    for (const event of ["pause", "waiting", "seeking", "ended"]) video.addEventListener(event, () => this.silence());
    setInterval(() => this.watch(), 1000);
  }

  async load() {
    this.plan = await get("sound");
    this.schedule();
  }

  /** Only after a gesture may a page make sound, so the graph is built at the first play. */
  open() {
    if (this.context) return this.context.resume();
    this.context = new AudioContext();
    this.programme = this.context.createGain();
    this.narration = this.context.createGain();
    this.context.createMediaElementSource(this.video).connect(this.programme).connect(this.context.destination);
    this.narration.connect(this.context.destination);
    return this.context.resume();
  }

  setMode(mode) {
    this.mode = mode;
    this.schedule();
  }

  silence() {
    for (const { source, element } of this.playing) {
      if (element) element.pause();
      else source.stop();
    }
    this.playing = [];
  }

  /** Schedule anew from the film's time: the dips, and the clips of the next seconds. */
  async schedule() {
    if (!this.context || this.video.paused || this.video.seeking) return;
    this.silence();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.dips();
    this.until = this.video.currentTime + AHEAD * this.video.playbackRate;
    if (this.mode === "original") return;
    await Promise.all(this.clipsIn(this.video.currentTime, this.until).map((clip) => this.decode(clip)));
    if (turn !== this.turn || this.video.paused) return; // overtaken by a seek or a pause
    this.anchor = { film: this.video.currentTime, clock: this.context.currentTime };
    for (const clip of this.clipsIn(this.anchor.film, this.until)) this.start(clip);
  }

  clipsIn(from, until) {
    return this.plan.clips.filter((clip) => clip.start < until && clip.start + this.seconds(clip) > from);
  }

  seconds(clip) {
    return this.buffers.get(address(clip))?.duration ?? clip.seconds ?? 15;
  }

  async decode(clip) {
    if (this.buffers.has(address(clip))) return;
    const response = await fetch(address(clip));
    if (!response.ok) return;
    this.buffers.set(address(clip), await this.context.decodeAudioData(await response.arrayBuffer()));
    if (this.buffers.size > CACHED) this.buffers.delete(this.buffers.keys().next().value);
  }

  start(clip) {
    const buffer = this.buffers.get(address(clip));
    const rate = this.video.playbackRate;
    const offset = Math.max(0, this.anchor.film - clip.start);
    if (!buffer || offset >= buffer.duration) return;
    const when = this.anchor.clock + Math.max(0, clip.start - this.anchor.film) / rate;
    const gain = this.context.createGain();
    gain.gain.value = linear(clip.gain ?? 0);
    gain.connect(this.narration);
    if (rate !== 1) return this.startElement(clip, gain, when, offset, rate);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(gain);
    source.start(when, offset);
    this.playing.push({ source, clip });
  }

  /** At another rate the browser's own player keeps the pitch; its start is less exact, which nobody hears there. */
  startElement(clip, gain, when, offset, rate) {
    const element = new Audio(address(clip));
    element.preservesPitch = true;
    element.playbackRate = rate;
    element.currentTime = offset;
    this.context.createMediaElementSource(element).connect(gain);
    const wait = Math.max(0, when - this.context.currentTime) * 1000;
    const timer = setTimeout(() => element.play().catch(() => {}), wait);
    this.playing.push({ clip, element: { pause: () => (clearTimeout(timer), element.pause()) } });
  }

  /** Gain of the programme at a second of the film: ramps linear in gain, the deeper dip where two meet. */
  gainAt(time) {
    if (this.mode !== "described") return this.mode === "original" ? 1 : 0;
    return this.plan.ducks.reduce((least, duck) => Math.min(least, gainIn(duck, time)), 1);
  }

  dips() {
    const { currentTime: now, playbackRate: rate } = this.video;
    const start = this.context.currentTime, gain = this.programme.gain;
    gain.cancelScheduledValues(start);
    gain.setValueAtTime(this.gainAt(now), start);
    if (this.mode !== "described") return;
    const turns = this.plan.ducks.flatMap((d) => [d.start - d.attack, d.start, d.end, d.end + d.release]);
    for (const time of turns.filter((time) => time > now && time < now + AHEAD * rate).sort((a, b) => a - b))
      gain.linearRampToValueAtTime(this.gainAt(time), start + (time - now) / rate);
  }

  /** Once a second: more to schedule, or the clocks have come apart. */
  watch() {
    if (!this.anchor || !this.context || this.video.paused) return;
    const { currentTime, playbackRate } = this.video;
    const heard = this.anchor.film + (this.context.currentTime - this.anchor.clock) * playbackRate;
    if (currentTime + 5 > this.until || Math.abs(heard - currentTime) > DRIFT) this.schedule();
  }
}

function gainIn(duck, time) {
  const low = linear(-duck.depth);
  if (time >= duck.start && time <= duck.end) return low;
  const ramp = time < duck.start ? duck.attack : duck.release;
  const away = time < duck.start ? duck.start - time : time - duck.end;
  return away >= ramp ? 1 : low + ((1 - low) * away) / ramp;
}
