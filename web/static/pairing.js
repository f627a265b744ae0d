// <qr-pairing>: follows one pairing attempt over server-sent events and draws what they say.

const SPOKEN = {
  waiting: "Getting a code from WhatsApp.",
  showing: "A QR code is ready to be scanned.",
  linking: "Phone found. Finishing up.",
  connected: "Connected.",
};

class QrPairing extends HTMLElement {
  connectedCallback() {
    this.querySelector(".again").addEventListener("click", () => this.follow());
    this.querySelector(".code-form").addEventListener("submit", (event) => this.askForCode(event));
    if (this.dataset.phase !== "connected") this.follow();
  }

  disconnectedCallback() {
    this.source?.close();
    clearInterval(this.ticker);
  }

  follow() {
    this.source?.close();
    this.dataset.phase = "waiting";
    this.wait();
    this.source = new EventSource(this.dataset.events);
    this.source.addEventListener("state", (event) => this.show(JSON.parse(event.data)));
    this.source.addEventListener("error", () => {
      if (this.source.readyState === EventSource.CLOSED) this.comeBack();
    });
  }

  // A refusal is final, and the page itself then says why. Anything else (a restart, a proxy without a gateway) passes.
  async comeBack() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (answer && answer.status < 500) location.reload();
    else setTimeout(() => this.follow(), 3000);
  }

  wait() {
    const line = this.querySelector(".qr-countdown");
    line.textContent = "Getting a code from WhatsApp";
    clearTimeout(this.patience);
    this.patience = setTimeout(() => (line.textContent = "WhatsApp takes longer than usual to give a code"), 12_000);
  }

  show(view) {
    clearTimeout(this.patience);
    const changed = this.dataset.phase !== view.phase;
    this.dataset.phase = view.phase;
    if (view.phase === "showing") this.showQr(view);
    else clearInterval(this.ticker);
    if (view.phase === "waiting") this.wait();
    this.showPhoneCode(view.phone_code);
    if (view.phase === "connected") this.querySelector(".linked-phone").textContent = view.phone ?? "Your phone";
    if (view.phase === "ended") {
      this.querySelector(".ended-problem").textContent = view.problem;
      this.querySelector(".ended-advice").textContent = view.advice;
    }
    if (view.phase === "connected" || view.phase === "ended") this.source.close();
    if (changed) this.querySelector("[role=status]").textContent = SPOKEN[view.phase] ?? `${view.problem} ${view.advice}`;
  }

  showQr(view) {
    const picture = this.querySelector(".qr-code");
    picture.setAttribute("viewBox", `0 0 ${view.qr_size} ${view.qr_size}`);
    picture.querySelector("path").setAttribute("d", view.qr_path);
    const text = this.querySelector(".code-text textarea");
    if (text) text.value = view.code_text ?? "";
    this.countDown(view.seconds_left ?? 0, view.valid_seconds ?? 20);
  }

  countDown(left, valid) {
    const end = performance.now() + left * 1000;
    const ring = this.querySelector(".ring-time");
    this.style.setProperty("--valid", valid);
    this.style.setProperty("--elapsed", Math.max(0, valid - left));
    for (const animation of ring.getAnimations()) animation.cancel();
    ring.style.animation = "none";
    ring.getBoundingClientRect(); // begin the animation anew
    ring.style.animation = "";
    const say = () => {
      const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      this.querySelector(".qr-countdown").textContent = seconds > 0 ? `A new code follows in ${seconds} s` : "A new code is on its way";
    };
    clearInterval(this.ticker);
    this.ticker = setInterval(say, 500);
    say();
  }

  showPhoneCode(code) {
    this.querySelector(".code-shown").hidden = !code;
    this.querySelector(".code-letters output").textContent = code ?? "";
  }

  async askForCode(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    const input = form.querySelector("input");
    const problem = form.querySelector(".field-problem");
    problem.textContent = "";
    button.disabled = true;
    try {
      const answer = await fetch(this.dataset.code, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "application/json" },
      });
      const said = await answer.json();
      if (answer.ok) this.showPhoneCode(said.code);
      else problem.textContent = said.detail;
    } catch {
      problem.textContent = "This page has lost its connection. Try again in a moment.";
    } finally {
      button.disabled = false;
      input.setAttribute("aria-invalid", String(problem.textContent !== ""));
      if (problem.textContent) input.focus();
    }
  }
}

customElements.define("qr-pairing", QrPairing);
