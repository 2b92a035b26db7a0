// What the pages do beyond HTML: updates can be paused, times are shown in the reader's time zone, a bulk action
// continues by itself. Everything works without this file.
(() => {
  "use strict";
  const pause = document.getElementById("pause");
  const said = document.getElementById("live-said");
  let paused = false;

  const say = (text) => { if (said && said.textContent !== text) said.textContent = text; };

  const localize = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.getTime())) {
        const local = moment.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
        time.title = time.dateTime.slice(0, 19).replace("T", " ") + " UTC · " + local + " here";
      }
    }
  };

  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Resume updates" : "Pause updates";
      say(paused ? "Paused" : "");
    });
  }
  // While paused, a stream continues unread and no poll is sent. The same while somebody fills in a form, which an
  // update would replace with an empty one.
  const hold = (event) => {
    const field = document.activeElement;
    const filling = field && field.closest("details[open] form");
    if (paused || filling) event.preventDefault();
    if (filling && !paused) say("Updates wait for the form");
  };
  document.addEventListener("htmx:sse:before:message", hold);
  document.addEventListener("htmx:before:request", hold);
  document.addEventListener("trouble", (event) => say(event.detail && event.detail.data ? "Out of date: " + event.detail.data : "Out of date"));
  document.addEventListener("htmx:sse:error", () => say("Out of date: the dashboard does not answer"));
  document.addEventListener("htmx:error", () => say("Out of date: the dashboard does not answer"));
  document.addEventListener("htmx:after:swap", () => {
    if (!paused) say("");
    localize(document);
  });
  localize(document);

  const goOn = document.querySelector("form[data-go-on]");
  if (goOn) {
    const timer = setTimeout(() => goOn.requestSubmit(), 400);
    goOn.querySelector("[data-stop]").addEventListener("click", () => clearTimeout(timer));
  }
})();
