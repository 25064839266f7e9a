// The curl command and the Python program that give what the page shows.

import { root } from "./service.js";

const shell = (text) => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
const python = (text) => JSON.stringify(text);

export function curl(name, model, tasks, questions) {
  const parts = [`file=@${name}`];
  if (model) parts.push(`model=${model}`);
  for (const task of tasks) parts.push(`task=${task}`);
  for (const question of questions) parts.push(`question=${question}`);
  return [`curl ${shell(new URL("v1/analyze", root).href)}`, ...parts.map((part) => `-F ${shell(part)}`)].join(" \\\n  ");
}

export function program(name, model, tasks, questions) {
  const options = [python(name), `tasks=[${tasks.map(python).join(", ")}]`];
  if (questions.length) options.push(`questions=[${questions.map(python).join(", ")}]`);
  if (model) options.push(`model=${python(model)}`);
  const lines = [
    "from layoutserve_client import Client",
    "",
    `client = Client(${python(root.href.replace(/\/$/, ""))})`,
    `result = client.analyze(\n    ${options.join(",\n    ")},\n)`,
  ];
  if (tasks.includes("kie")) lines.push("for label, field in result.kie.fields.items():", "    print(label, field.text, field.box)");
  if (tasks.includes("classification")) lines.push("print(result.classification.best.label)");
  if (tasks.includes("docvqa")) lines.push("for asked in result.docvqa.answers:", "    print(asked.question, asked.best)");
  return lines.join("\n");
}
