// The dialog that links a device: by the text or a picture of a QR code, or by a link code.

import * as api from "./api.js";
import { find } from "./dom.js";

const canReadPictures = "BarcodeDetector" in globalThis;

export function setUpLinking({ currentPhone, linked }) {
  const dialog = find("#link");
  const outcome = find("#link-outcome");

  function tell(text, kind = "") {
    outcome.textContent = text;
    outcome.className = `outcome ${kind}`;
  }

  async function attempt(form, action) {
    const button = form.querySelector("button");
    button.disabled = true;
    tell("Linking…");
    try {
      await action();
      form.reset();
      tell("Linked. The other device is connecting now.", "good");
      linked();
    } catch (problem) {
      tell(problem.message, "bad");
    } finally {
      button.disabled = false;
    }
  }

  async function readPicture(file) {
    if (!file) return;
    try {
      const [code] = await new BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(file));
      if (!code) return tell("There is no QR code in this picture.", "bad");
      find("#scan").elements.qr.value = code.rawValue;
      find("#scan").requestSubmit();
    } catch {
      tell("This picture could not be read.", "bad");
    }
  }

  find("#open-link").addEventListener("click", () => {
    tell("");
    dialog.showModal();
    find("#scan").elements.qr.focus();
  });
  find("#close-link").addEventListener("click", () => dialog.close());
  find("#scan").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(event.target, () => api.scan(currentPhone(), event.target.elements.qr.value));
  });
  find("#enter-code").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(event.target, () => api.enterCode(currentPhone(), event.target.elements.code.value));
  });

  find("#drop").hidden = !canReadPictures;
  find("#picture-hint").textContent = canReadPictures
    ? "Use a picture of the code that the other device shows, or the code's text."
    : "This browser cannot read pictures of QR codes. Copy the text of the code instead; the page that shows the code offers it.";
  if (!canReadPictures) return;
  const drop = find("#drop");
  find("#picture").addEventListener("change", (event) => readPicture(event.target.files[0]));
  dialog.addEventListener("paste", (event) => {
    const picture = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
    if (picture) readPicture(picture);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") readPicture(event.dataTransfer.files[0]);
    });
  }
}
