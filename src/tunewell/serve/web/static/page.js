"use strict";
// Everything works without this script, by sending forms; it saves waiting and clicking.

const find = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

/** A command whose lines break before an option, not within one. */
function showCommand(code, command) {
  const parts = command.split(/ (?=--)/).map((text) => {
    const part = document.createElement("span");
    part.textContent = text;
    return [part, " "];
  });
  code.replaceChildren(...parts.flat().slice(0, -1));
}

/** A button beside each command and file of settings that copies it. */
function offerCopies() {
  if (!navigator.clipboard) return; // browsers keep it from pages that come over a plain network
  for (const box of all(".code")) {
    const code = find("code", box);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small-button copy";
    const name = find("pre", box).getAttribute("aria-label").toLowerCase();
    button.innerHTML = `Copy<span class="hidden"> ${name}</span>`;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.textContent);
      button.firstChild.textContent = "Copied";
      setTimeout(() => { button.firstChild.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }
}

/** The frame around a file field shows that a file may be dropped. */
function showDrops() {
  for (const field of all(".drop")) {
    for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
      field.addEventListener(name, () => field.classList.toggle("over", over));
    }
  }
}

const GONE = "The program behind this page does not answer: it was ended, or this computer slept. "
  + "Type “tunewell web” again where it was started, and load the page anew. Runs go on meanwhile.";

/** Say that the program does not answer, or take that back. */
function tellGone(gone) {
  const told = find("#gone");
  if (told.hidden === gone) told.textContent = gone ? GONE : "";
  told.hidden = !gone;
}

/** Ask the server; null where nobody answers, which the page then says. */
async function ask(address, given) {
  try {
    const answer = await fetch(address, given);
    tellGone(false);
    return answer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    tellGone(true);
    return null;
  }
}

/** Replace a part of the page by what the server says about it now; what is open stays open. */
async function refresh(part, address) {
  const answer = await ask(address);
  if (!answer || !answer.ok) return false;
  const text = await answer.text();
  const open = all("details", part).map((item) => item.open);
  const across = all(".scroll", part).map((item) => item.scrollLeft);
  const stops = "a, button, summary, [tabindex]";
  const at = all(stops, part).indexOf(document.activeElement);
  part.innerHTML = text;
  all("details", part).forEach((item, number) => { item.open = Boolean(open[number]); });
  all(".scroll", part).forEach((item, number) => { item.scrollLeft = across[number] || 0; });
  if (at >= 0) all(stops, part)[at]?.focus({ preventScroll: true });
  return true;
}

/** Ask for what `check` found until it is there. */
async function waitForRows(part) {
  while (find("[role=status]", part)) {
    await new Promise((done) => setTimeout(done, 700));
    if (!await refresh(part, part.dataset.wait)) return;
  }
  if (find(".problem", part)) location.reload(); // the page around it is another then
}

/** Load the page anew once the rows have been looked through. */
async function waitForQuestion() {
  while (true) {
    await new Promise((done) => setTimeout(done, 1000));
    const answer = await ask(location.href);
    if (answer && !(await answer.text()).includes("data-again")) break;
  }
  location.reload();
}

/** The ladder with what fits into the budget, told anew when a tick or the slider moves. */
function followCosts(form) {
  const slider = find("#budget");
  const words = slider.dataset.words.split("|");
  let asked = 0;
  async function count() {
    const number = ++asked;
    const answer = await ask(form.dataset.costs, { method: "POST", body: new FormData(form) });
    if (number !== asked || !answer || !answer.ok) return null;
    const told = await answer.json();
    if (told.problem) {
      find("#total").textContent = told.problem;
      return null;
    }
    find("#total").textContent = told.total;
    showCommand(find("#the-command"), told.command);
    find("#the-yaml").textContent = told.yaml;
    for (const row of all("[data-method]", form)) {
      const cost = told.by_method[row.dataset.method];
      row.classList.toggle("out", Boolean(cost) && !cost.runs);
      for (const cell of all("[data-cost]", row)) {
        const waiting = told.measuring && cell.dataset.cost === "time" ? "…" : "";
        cell.textContent = cost ? cost[cell.dataset.cost] : waiting;
      }
    }
    return told;
  }
  slider.addEventListener("input", () => {
    find("#budget-words").textContent = words[slider.value];
    slider.setAttribute("aria-valuetext", words[slider.value]);
  });
  form.addEventListener("change", count);
  for (const button of all("[data-tick]", form)) {
    button.addEventListener("click", () => {
      for (const box of all("[name=methods]", form)) box.checked = button.dataset.tick === "all";
      count();
    });
  }
  if ("measuring" in form.dataset) {
    const timer = setInterval(async () => {
      const told = await count();
      if (told && !told.measuring) {
        clearInterval(timer);
        find("#measuring").textContent = told.error
          ? `The costs could not be measured: ${told.error.found} ${told.error.remedy}`
          : "Times are for this computer and your rows, measured on a few of them.";
      }
    }, 1500);
  }
}

/** The run as it goes: the server says when something has changed, the page fetches the part. */
function followRun(part) {
  const told = find("#told");
  const source = new EventSource(part.dataset.events);
  source.addEventListener("change", () => refresh(part, part.dataset.live));
  source.addEventListener("say", (event) => { told.textContent = event.data; });
  source.addEventListener("open", () => tellGone(false));
  source.addEventListener("error", () => tellGone(true));
  source.addEventListener("done", async () => {
    source.close();
    await refresh(part, part.dataset.live);
    for (const item of all("[data-going]")) item.hidden = true;
    const answer = await ask(location.href);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = ".steps li, .eyebrow";
    const told = all(parts, page);
    all(parts).forEach((item, number) => {
      if (item.outerHTML !== told[number].outerHTML) item.replaceWith(told[number]);
    });
  });
}

/** What went wrong, out of the page that says so. */
async function problemIn(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const problem = find(".problem", page);
  return problem ? problem.outerHTML : "";
}

/** One answer without loading the page anew; the result is read out. */
function answerInPlace(form) {
  const place = find(form.dataset.into);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = find("button", form);
    button.disabled = true;
    place.textContent = "Thinking…";
    const answer = await ask(form.dataset.piece, { method: "POST", body: new FormData(form) });
    button.disabled = false;
    place.textContent = "";
    if (!answer) return;
    place.innerHTML = answer.ok ? await answer.text() : await problemIn(answer);
    place.scrollIntoView({ block: "nearest" });
  });
}

/** A form that takes a while says so as it is sent, and is itself again when one comes back. */
function sayBusy(form) {
  const told = find("[data-told]", form);
  form.addEventListener("submit", () => { told.textContent = form.dataset.busy; });
  addEventListener("pageshow", () => { told.textContent = ""; });
}

for (const item of all("[data-script]")) item.hidden = false;
for (const button of all("[data-back]")) {
  button.hidden = false;
  button.addEventListener("click", () => history.back());
}
for (const code of all(".code code")) {
  if (code.textContent.startsWith("tunewell ")) showCommand(code, code.textContent);
}
offerCopies();
showDrops();
if (find("[data-wait]")) waitForRows(find("[data-wait]"));
if (find("[data-again]")) waitForQuestion();
if (find("[data-costs]")) followCosts(find("[data-costs]"));
if (find("[data-events]")) followRun(find("[data-events]"));
for (const form of all("[data-piece]")) answerInPlace(form);
for (const form of all("[data-busy]")) sayBusy(form);
