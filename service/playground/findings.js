// What was found, as lists; each finding has an id that its boxes on the page bear too.

// Okabe and Ito's colours, darkened where needed to be seen on white paper by people with every kind of colour vision.
const COLOURS = ["#0072b2", "#c04a00", "#00845f", "#b0578d", "#8a6d00", "#3a6fd8", "#7a3e9d", "#5c6470"];

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "className") made.className = value;
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const ANSWER = "#c2006b";

const percent = (score) => `${(score * 100).toFixed(score < 0.1 ? 1 : 0)}\u00a0%`;
const readable = (label) => label.replaceAll("_", " ").toLowerCase();

function valueOf({ text, value }) {
  if (value === null || value === undefined) return "";
  const told = typeof value === "string" ? value : [value.amount, value.currency].filter(Boolean).join(" ");
  return told === text ? "" : told;
}

export function colours(entities) {
  const labels = [...new Set(entities.map((entity) => entity.label.toLowerCase()))].sort();
  return new Map(labels.map((label, index) => [label, COLOURS[index % COLOURS.length]]));
}

const same = (one, other) => one.page === other.page && one.box.every((edge, index) => Math.abs(edge - other.box[index]) < 0.5);

// Everything that can be lit up: {id, label, text, value, score, page, boxes, colour, kind}.
export function findsOf(kie) {
  const colour = colours(kie.entities);
  const entities = kie.entities.map((entity, index) => ({
    ...entity, id: `entity-${index}`, boxes: [entity.box], colour: colour.get(entity.label.toLowerCase()), kind: "entity",
  }));
  const fields = Object.entries(kie.fields).flatMap(([label, field]) => [field, ...(field.more ?? [])].map((found, index) => {
    const twin = entities.find((entity) => entity.label.toLowerCase() === label && same(entity, found));
    return {
      ...found, label, id: twin?.id ?? `field-${label}-${index}`, boxes: [found.box], kind: "entity",
      colour: twin?.colour ?? colour.get(label) ?? COLOURS.at(-1), twin: Boolean(twin),
    };
  }));
  return { entities, fields };
}

export const marksOf = (finds) => finds.flatMap((find) =>
  find.boxes.map((box) => ({ id: find.id, box, page: find.page, colour: find.colour, kind: find.kind, title: `${readable(find.label)}: ${find.text}` })));

function row(find, bare) {
  const value = valueOf(find);
  const swatch = element("span", { className: "swatch" });
  swatch.style.setProperty("--colour", find.colour);
  const button = element("button", { type: "button", className: "find", "data-id": find.id }, swatch);
  if (!bare) button.append(element("span", { className: "label" }, readable(find.label)));
  button.append(element("span", { className: "text" }, find.text), element("span", { className: "score" }, percent(find.score)));
  if (value) button.append(element("span", { className: "value" }, value));
  return button;
}

export const list = (finds) => finds.map((find) => element("li", {}, row(find)));

export function answered(question, finds, noAnswerScore) {
  const item = element("li", { className: "answered" }, element("p", { className: "asked" }, question));
  if (finds.length) item.append(...finds.map((find) => row(find, true)));
  else item.append(element("p", { className: "none" }, `The document does not say (${percent(noAnswerScore)} sure).`));
  return item;
}

export const bars = (classes) => classes.slice(0, 6).map(({ label, score }) => {
  const meter = element("meter", { min: 0, max: 1, value: score, "aria-label": readable(label) });
  return element("li", { className: "bar" }, element("span", {}, readable(label)), meter, element("span", { className: "score" }, percent(score)));
});

export function times(timings) {
  const { total, ...stages } = timings;
  const longest = Math.max(...Object.values(stages), 1);
  const lines = Object.entries(stages).map(([name, ms]) => {
    const meter = element("meter", { min: 0, max: longest, value: ms, "aria-label": `${name} in milliseconds` });
    return element("div", { className: "bar" }, element("span", {}, name), meter, element("span", { className: "score" }, `${ms.toFixed(0)} ms`));
  });
  return [...lines, element("div", { className: "bar" }, element("strong", {}, "total"), element("span", {}), element("strong", { className: "score" }, `${(total / 1000).toFixed(2)} s`))];
}
