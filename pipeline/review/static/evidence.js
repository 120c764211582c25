// The picture a line speaks of, what was seen on it drawn over it, and the same as a list.
import { $, h, s } from "./dom.js";
import { candidatesOf, keyframeOf } from "./state.js";
import { clock, number, t } from "./text.js";

const KINDS = {
  text: t("text"), face: t("face"), person: t("person"), object: t("object"), look: t("look"),
  dialogue: t("dialogue"), region: t("part of the picture"),
};

/** Boxes are (x, y, width, height) as fractions of the picture. */
function overlay(evidence) {
  const boxes = evidence.filter((item) => item.box);
  const drawn = s("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true", class: "boxes" });
  for (const { box: [x, y, width, height], kind } of boxes)
    drawn.append(s("rect", { x: x * 100, y: y * 100, width: width * 100, height: height * 100, class: `box ${kind}` }));
  return [drawn, ...boxes.map(caption)];
}

/** The name of a box lies in a layer of its own, for the boxes are stretched with the picture. */
function caption({ box, kind, value }, at) {
  const name = h("span", { class: `box-name ${kind}`, "aria-hidden": "true" }, `${at + 1} ${value || KINDS[kind] || kind}`);
  name.style.left = `${Math.min(box[0], 0.8) * 100}%`;
  name.style.top = `${Math.max(box[1], 0.09) * 100}%`;
  return name;
}

function where([x, y, width, height]) {
  const across = x + width / 2, down = y + height / 2;
  const column = across < 1 / 3 ? t("left") : across > 2 / 3 ? t("right") : t("middle");
  const row = down < 1 / 3 ? t("top") : down > 2 / 3 ? t("bottom") : t("centre");
  return t("{row} {column}", { row, column });
}

function told(item) {
  const parts = [`${KINDS[item.kind] ?? item.kind}: ${item.value || t("not recognised")}`];
  if (item.box) parts.push(where(item.box));
  if (item.score !== null && item.score !== undefined) parts.push(t("{percent} % sure", { percent: number(item.score * 100) }));
  return parts.join(", ");
}

export function show(line) {
  const frame = keyframeOf(line);
  if (!frame) return $("picture").replaceChildren(h("p", {}, t("No picture")));
  const spoken = candidatesOf(line).find((candidate) => candidate.id === line.candidate);
  const evidence = [...(frame.evidence ?? [])].sort((a, b) => Boolean(b.box) - Boolean(a.box));
  const rest = (spoken?.evidence ?? []).filter((item) => !evidence.some((e) => e.kind === item.kind && e.value === item.value));
  const all = [...evidence, ...rest];
  $("picture").replaceChildren(
    h("figure", {},
      h("div", { class: "still" },
        h("img", { src: frame.url, alt: t("Picture at {time}", { time: clock(frame.time) }), loading: "lazy", decoding: "async" }),
        ...overlay(evidence)),
      h("figcaption", {}, t("Picture at {time}", { time: clock(frame.time) }))),
    all.length
      ? h("ol", { class: "evidence", "aria-label": t("What supports it") }, all.map((item) => h("li", {}, told(item))))
      : h("p", {}, t("Nothing was recognised on it.")),
  );
}
