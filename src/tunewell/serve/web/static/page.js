"use strict";
// Everything works without this script, by sending forms; it saves waiting and clicking.

const find = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

/** A button beside each command and file of settings that copies it. */
function offerCopies() {
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

/** Replace a part of the page by what the server says about it now. */
async function refresh(part, address) {
  const answer = await fetch(address);
  if (!answer.ok) return false;
  part.innerHTML = await answer.text();
  return true;
}

/** Ask for what `check` found until it is there. */
async function waitForRows(part) {
  while (find("[role=status]", part)) {
    await new Promise((done) => setTimeout(done, 700));
    if (!await refresh(part, part.dataset.wait)) return;
  }
}

/** The ladder with what fits into the budget, told anew when a tick or the slider moves. */
function followCosts(form) {
  const slider = find("#budget");
  const words = slider.dataset.words.split("|");
  let asked = 0;
  async function ask() {
    const number = ++asked;
    const answer = await fetch(form.dataset.costs, { method: "POST", body: new FormData(form) });
    if (number !== asked || !answer.ok) return null;
    const told = await answer.json();
    if (told.problem) {
      find("#total").textContent = told.problem;
      return null;
    }
    find("#total").textContent = told.total;
    find("#the-command").textContent = told.command;
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
  form.addEventListener("change", ask);
  for (const button of all("[data-tick]", form)) {
    button.addEventListener("click", () => {
      for (const box of all("[name=methods]", form)) box.checked = button.dataset.tick === "all";
      ask();
    });
  }
  if ("measuring" in form.dataset) {
    const timer = setInterval(async () => {
      const told = await ask();
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
  source.addEventListener("done", async () => {
    source.close();
    await refresh(part, part.dataset.live);
    for (const item of all("[data-going]")) item.hidden = true;
    for (const item of all("[data-ended]")) item.hidden = false;
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
    const answer = await fetch(form.dataset.piece, { method: "POST", body: new FormData(form) });
    place.innerHTML = answer.ok ? await answer.text() : await problemIn(answer);
    place.scrollIntoView({ block: "nearest" });
    button.disabled = false;
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
offerCopies();
showDrops();
if (find("[data-wait]")) waitForRows(find("[data-wait]"));
if (find("[data-costs]")) followCosts(find("[data-costs]"));
if (find("[data-events]")) followRun(find("[data-events]"));
for (const form of all("[data-piece]")) answerInPlace(form);
for (const form of all("[data-busy]")) sayBusy(form);
