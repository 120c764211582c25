// A line in one's own voice: from the microphone, or from a file.
import { $ } from "./dom.js";
import { upload } from "./api.js";
import { complain, say } from "./live.js";
import { attempt, currentLine } from "./state.js";
import { t } from "./text.js";

let recorder = null;

async function send(blob, name, line) {
  const fields = { kind: "record", line, fields: {} };
  await attempt(() => upload(`lines/${line.id}/recording`, blob, name), t("The recording is saved"), false, fields);
}

/** Start, or stop and send. The line that was chosen at the start gets it. */
export async function toggle() {
  if (recorder) return recorder.stop();
  const line = currentLine();
  if (!line) return;
  $("record-box").open = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch {
    return complain(t("The microphone cannot be used; allow it in the browser or choose a file"));
  }
  const parts = [];
  recorder = new MediaRecorder(stream);
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  recorder.addEventListener("stop", () => {
    stream.getTracks().forEach((track) => track.stop());
    const blob = new Blob(parts, { type: recorder.mimeType });
    recorder = null;
    show();
    send(blob, "recording.webm", line);
  });
  recorder.start();
  show();
  say(t("Recording; the same key ends it"));
}

function show() {
  $("record").setAttribute("aria-pressed", String(Boolean(recorder)));
  $("record").textContent = recorder ? t("End the recording") : t("Record");
}

export function start() {
  $("recording").addEventListener("change", async () => {
    const [file] = $("recording").files;
    if (file && currentLine()) await send(file, file.name, currentLine());
    $("recording").value = "";
  });
}
