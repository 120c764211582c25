// Texts in the reader's language, and times and numbers as it writes them.
const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");
export const language = document.documentElement.lang || "en";

/** The template in the page's language, its {fields} filled in. */
export function t(template, values = {}) {
  return (texts[template] ?? template).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Seconds as 1:02.3, with hours where there are any. */
export function clock(seconds) {
  const tenths = Math.round(Math.max(0, seconds) * 10);
  const hours = Math.floor(tenths / 36000), minutes = Math.floor(tenths / 600) % 60;
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds as words, for announcements. */
export function spokenTime(seconds) {
  const whole = Math.max(0, Math.round(seconds * 10) / 10);
  const minutes = Math.floor(whole / 60), rest = number(whole - minutes * 60, 1);
  return minutes ? t("{minutes} min {seconds} s", { minutes, seconds: rest }) : t("{seconds} s", { seconds: rest });
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function date(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

const STATES = { draft: t("undecided"), approved: t("approved"), rejected: t("rejected"), flagged: t("flagged") };
export const stateName = (state) => STATES[state] ?? state;
const SEVERITIES = { error: t("error"), warning: t("warning"), info: t("remark"), pass: t("passed") };
export const severityName = (severity) => SEVERITIES[severity] ?? severity;
const BEDS = { silence: t("silence"), ambience: t("ambience"), music: t("music") };
export const bedName = (bed) => BEDS[bed] ?? bed;
