// Requests to this episode's part of the server.
import { t } from "./text.js";

const base = document.querySelector("[data-base]").dataset.base;
const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export const url = (path) => `${base}/${path}`;

/** What the server refused, in words for people. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error || t("The server answered {status}; try again", { status }));
    this.status = status;
    this.code = body.code;
    this.body = body;
  }
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Refused(0, { error: t("The server does not answer; what you type stays here. Is it still running?") });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

export const get = (path) => answer(fetch(url(path), { headers: { Accept: "application/json" } }));

/** Like `get`, of an address that the page preloads: without headers, so that the browser sees it is the same. */
export const begun = (path) => {
  const answered = answer(fetch(url(path)));
  answered.catch(() => {}); // told to whoever waits for it
  return answered;
};

export const post = (path, body = {}, options = {}) =>
  answer(
    fetch(url(path), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
      body: JSON.stringify(body),
      ...options,
    }),
  );

export function upload(path, blob, name) {
  const form = new FormData();
  form.append("file", blob, name);
  return answer(fetch(url(path), { method: "POST", headers: { "X-CSRF-Token": token }, body: form }));
}
