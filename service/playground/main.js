// The playground: one document at a time, read by the service, shown with everything that was found on it.

import * as findings from "./findings.js";
import * as service from "./service.js";
import * as snippets from "./snippets.js";
import { onPoint, Viewer } from "./viewer.js";

const at = (id) => document.getElementById(id);
const { element } = findings;

// pinned: the finding that is lit while none is pointed at. waiting: what to open as soon as the models are known.
const state = { models: [], file: null, result: null, asked: [], running: null, pinned: null, waiting: null };
const viewer = new Viewer(at("canvas"), { onHover: light, onSelect: select, onPage: showPageNumber });

// --- the service ---------------------------------------------------------------------------------------------------

async function findModels() {
  for (;;) {
    try {
      state.models = await service.models();
      break;
    } catch (problem) {
      if (problem.status !== 503) return complain(problem, findModels);
      say("The service is starting …", true);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(problem.retryAfter ?? 1, 5)));
    }
  }
  say("");
  complain(null);
  at("model").replaceChildren(...state.models.map((model) => {
    const option = element("option", { value: model.name }, `${model.name} ${model.version}`);
    option.selected = model.default;
    return option;
  }));
  document.querySelector(".model").hidden = state.models.length < 2;
  showLicence();
  state.waiting?.();
  state.waiting = null;
}

const model = () => state.models.find((one) => one.name === at("model").value);
// Named only where it is not the one that answers anyway.
const modelName = () => (model() && !model().default ? model().name : undefined);
const tasks = () => (model()?.tasks ?? ["kie", "classification"]).filter((task) => task !== "docvqa");

async function run(what, work) {
  state.running?.abort();
  const running = new AbortController();
  state.running = running;
  complain(null);
  say(what, true);
  try {
    await work(running.signal);
    if (state.running === running) say("");
  } catch (problem) {
    if (problem.name === "AbortError" || state.running !== running) return;
    say("");
    complain(problem, () => run(what, work));
  }
}

const parameters = (more) => ({ ...(modelName() ? { model: modelName() } : {}), ...more });

function open(file, suggestion) {
  if (!state.models.length) {
    state.waiting = () => open(file, suggestion);
    return say("Waiting for the service …", true);
  }
  Object.assign(state, { file, result: null, asked: [], pinned: null });
  at("start").hidden = true;
  at("work").hidden = at("restart").hidden = false;
  for (const id of ["kie", "classification", "timings-box", "snippets", "warnings"]) at(id).hidden = true;
  at("docvqa").hidden = !model()?.tasks.includes("docvqa");
  at("answers").replaceChildren();
  at("question").value = suggestion ?? "";
  viewer.preview(file);
  at("canvas").focus({ preventScroll: true });
  analyze((signal) => service.answer("analyze", file, parameters({ task: tasks() }), signal));
}

function analyze(work) {
  return run(`Reading ${state.file.name} …`, async (signal) => {
    if (!tasks().length) return show(await service.answer("ocr", state.file, {}, signal));
    show(await work(signal));
  });
}

function analyzeLater() {
  const onProgress = ({ pages_done: done, pages_total: total }) =>
    say(total ? `Read ${done} of ${total} pages …` : "Waiting for its turn …", true);
  analyze((signal) => service.answerLater("analyze", state.file, parameters({ task: tasks() }), signal, onProgress));
}

function ask(question) {
  return run("Looking for the answer …", async (signal) => {
    const result = await service.answer("docvqa", state.file, parameters({ question, top_k: 3 }), signal);
    const found = result.answers[0];
    const turn = state.asked.length;
    const likely = found.answers.filter((answer, index) => index === 0 || answer.score >= 0.01);
    const finds = likely.map((answer, index) => ({
      ...answer, id: `answer-${turn}-${index}`, label: question, colour: findings.ANSWER, kind: "answer",
    }));
    state.asked.push({ question, finds });
    if (!state.result) state.result = result;
    at("answers").prepend(findings.answered(question, finds, found.no_answer_score));
    mark(result.pages);
    showSnippets(result);
    at("question").select();
    pin(finds.length ? finds[0].id : null);
  });
}

// --- what is shown -------------------------------------------------------------------------------------------------

function show(result) {
  state.result = result;
  at("kie").hidden = !result.kie;
  at("classification").hidden = !result.classification;
  at("timings-box").hidden = at("snippets").hidden = false;
  if (result.kie) {
    const { entities, fields } = findings.findsOf(result.kie);
    const nothing = element("li", { className: "quiet" }, "No field was found on this document.");
    at("fields").replaceChildren(...(fields.length ? findings.list(fields) : [nothing]));
    at("entities").replaceChildren(...findings.list(entities));
    at("entity-count").textContent = entities.length;
    at("entities-box").hidden = !entities.length;
  }
  if (result.classification) at("classes").replaceChildren(...findings.bars(result.classification.classes));
  at("timings").replaceChildren(...findings.times(result.timings_ms));
  at("warnings").hidden = !result.warnings?.length;
  at("warnings").textContent = result.warnings?.join(" ") ?? "";
  mark(result.pages);
  showSnippets(result);
}

function mark(pages) {
  const { entities, fields } = state.result?.kie ? findings.findsOf(state.result.kie) : { entities: [], fields: [] };
  // Answers are drawn while they are lit: the best one after asking, any that is pointed at.
  const answers = state.asked.flatMap(({ finds }) => finds);
  viewer.show(pages, findings.marksOf([...entities, ...fields.filter((field) => !field.twin), ...answers]));
}

function showSnippets(result) {
  const questions = state.asked.map(({ question }) => question);
  const all = [...tasks(), ...(questions.length ? ["docvqa"] : [])];
  at("snippets").hidden = false;
  at("curl").textContent = snippets.curl(state.file.name, modelName(), all, questions);
  at("python").textContent = snippets.program(state.file.name, modelName(), all, questions);
  at("json").textContent = JSON.stringify(result, null, 2);
}

function light(pointed, scroll = false) {
  const id = pointed ?? state.pinned;
  viewer.light(id, { scroll });
  for (const find of document.querySelectorAll(".find")) find.classList.toggle("lit", find.dataset.id === id);
}

function pin(id) {
  state.pinned = id;
  light(id, true);
}

function select(id) {
  pin(id);
  const find = document.querySelector(`.finds .find[data-id="${id}"], .answered .find[data-id="${id}"]`);
  find?.closest("details")?.setAttribute("open", "");
  find?.focus();
}

function showPageNumber(number, index, count) {
  at("page-number").textContent = count ? `${number}${count > 1 ? ` (${index + 1} of ${count})` : ""}` : "";
  at("previous").disabled = index <= 0;
  at("next").disabled = index >= count - 1;
}

function showLicence() {
  const chosen = model();
  at("licence").textContent = chosen ? `Model ${chosen.name} ${chosen.version}, weights under ${chosen.licence}` : "";
}

function say(text, busy = false) {
  at("status").textContent = text;
  at("status").classList.toggle("busy", busy);
}

function complain(problem, again) {
  at("problem").hidden = !problem;
  at("problem").replaceChildren();
  if (!problem) return;
  const actions = element("div", { className: "actions" });
  const button = (text, act) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", act);
    actions.append(made);
  };
  const faults = problem.faults?.map(({ field, message }) => element("p", {}, `${field}: ${message}`)) ?? [];
  at("problem").append(
    element("h2", {}, problem.title ?? "Something failed in this page"),
    element("p", {}, problem.message), ...faults, element("p", {}, problem.action ?? ""),
  );
  if (problem.requestId) at("problem").append(element("p", { className: "quiet" }, `Request ${problem.requestId}`));
  if (problem.status === 401) at("problem").append(keyForm(again));
  else if (again && (!problem.status || problem.status === 429 || problem.status >= 500)) button("Try again", again);
  if (state.file && (problem.status === 504 || problem.status === 413)) button("Answer it later, as a job", analyzeLater);
  if (!at("work").hidden) button("Another document", restart);
  at("problem").append(actions);
}

function keyForm(again) {
  const field = element("input", { type: "password", "aria-label": "API key", placeholder: "API key", required: "" });
  const form = element("form", {}, field, element("button", { type: "submit", className: "primary" }, "Use this key"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    service.rememberKey(field.value);
    again?.();
  });
  return form;
}

// --- what the person does ------------------------------------------------------------------------------------------

function restart() {
  state.running?.abort();
  Object.assign(state, { file: null, result: null, asked: [], pinned: null });
  viewer.clear();
  complain(null);
  say("");
  at("work").hidden = at("restart").hidden = true;
  at("start").hidden = false;
  at("choose").focus();
}

async function openSample(button) {
  const name = `${button.dataset.sample}.jpg`;
  const answer = await fetch(new URL(`samples/${name}`, service.root));
  open(new File([await answer.blob()], name, { type: "image/jpeg" }), button.dataset.question);
}

function firstFile(transfer) {
  return [...(transfer?.files ?? [])][0];
}

function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

const KEYS = {
  "/": () => at("question").focus(),
  "+": () => viewer.scale(1), "=": () => viewer.scale(1), "-": () => viewer.scale(-1), 0: () => viewer.scale(0),
  "[": () => viewer.step(-1), "]": () => viewer.step(1),
  w: () => at("show-words").click(), t: switchTheme,
};

function wire() {
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    const file = at("file").files[0];
    at("file").value = "";
    if (file) open(file);
  });
  at("restart").addEventListener("click", restart);
  at("theme").addEventListener("click", switchTheme);
  at("model").addEventListener("change", () => { showLicence(); if (state.file) open(state.file); });
  for (const button of document.querySelectorAll("[data-sample]")) button.addEventListener("click", () => openSample(button));
  at("previous").addEventListener("click", () => viewer.step(-1));
  at("next").addEventListener("click", () => viewer.step(1));
  at("zoom-in").addEventListener("click", () => viewer.scale(1));
  at("zoom-out").addEventListener("click", () => viewer.scale(-1));
  at("zoom-fit").addEventListener("click", () => viewer.scale(0));
  at("show-words").addEventListener("change", () => { viewer.showWords = at("show-words").checked; viewer.draw(); });
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const question = at("question").value.trim();
    if (question) ask(question);
  });
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(at(button.dataset.copy).textContent).then(() => say("Copied."), () => say("The browser does not allow copying here."));
    });
  }
  onPoint(at("findings"), ".find", (find) => light(find?.dataset.id ?? null));
  for (const [event, lit] of [["focusin", true], ["focusout", false]]) {
    at("findings").addEventListener(event, ({ target }) => {
      const find = target.closest?.(".find");
      if (find) light(lit ? find.dataset.id : null);
    });
  }
  at("findings").addEventListener("click", ({ target }) => {
    const find = target.closest?.(".find");
    if (find) pin(find.dataset.id);
  });
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const file = firstFile(event.dataTransfer);
    if (file) open(file);
  });
  addEventListener("paste", (event) => {
    const file = firstFile(event.clipboardData);
    if (file) open(file);
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  addEventListener("resize", () => viewer.size());
}

wire();
findModels();
