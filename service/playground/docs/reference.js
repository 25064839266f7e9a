// The API reference, drawn from the service's own openapi.json: no library, nothing fetched from elsewhere.

const root = new URL("..", document.baseURI);
const VERBS = ["get", "post", "put", "patch", "delete"];

function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// Text with `code` in it, as the descriptions of the contract are written.
function prose(text, name = "p") {
  const parts = (text ?? "").split(/``?([^`]+)``?/);
  return parts.length === 1 && !parts[0] ? null : el(name, {}, ...parts.map((part, index) => (index % 2 ? el("code", {}, part) : part)));
}

const nameOf = (schema) => schema.$ref?.split("/").at(-1);
const link = (name) => el("a", { href: `#schema-${name}` }, name);

// What a value may be, in words: "array of Entity", "one of: auto, always, never".
function kind(schema) {
  if (nameOf(schema)) return [link(nameOf(schema))];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.flatMap((option, index) => [...(index ? [" or "] : []), ...kind(option)]);
  if (schema.enum) return [`one of: ${schema.enum.join(", ")}`];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.prefixItems) return ["[", ...schema.prefixItems.flatMap((item, index) => [...(index ? [", "] : []), ...kind(item)]), "]"];
  if (schema.type === "array") return ["array of ", ...kind(schema.items ?? {})];
  if (schema.additionalProperties && typeof schema.additionalProperties === "object") return ["object of ", ...kind(schema.additionalProperties)];
  return [[schema.type ?? "any", schema.format ?? schema.contentEncoding].filter(Boolean).join(", ")];
}

function limits(schema) {
  const words = {
    minimum: "at least", maximum: "at most", exclusiveMinimum: "more than", minLength: "characters at least", maxLength: "characters at most",
    minItems: "items at least", maxItems: "items at most", pattern: "pattern",
  };
  const told = Object.entries(words).filter(([key]) => schema[key] !== undefined).map(([key, word]) => `${word} ${schema[key]}`);
  if (schema.default !== undefined && schema.default !== null) told.unshift(`default ${JSON.stringify(schema.default)}`);
  return told.join("; ");
}

function table(heads, rows) {
  const body = el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, ...[cell].flat().filter((part) => part !== null))))));
  const head = el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text))));
  return el("div", { class: "table", tabindex: "0", role: "group", "aria-label": heads.join(", ") }, el("table", {}, head, body));
}

function members(schema) {
  const required = new Set(schema.required ?? []);
  return table(["Name", "Type", "Meaning"], Object.entries(schema.properties ?? {}).map(([name, member]) => [
    [el("code", {}, name), required.has(name) ? " *" : ""], kind(member),
    [prose(member.description, "span"), member.description && limits(member) ? " " : null, limits(member) ? el("small", {}, limits(member)) : null],
  ]));
}

function requestBody(body, schemas) {
  if (!body) return [];
  return Object.entries(body.content).flatMap(([type, { schema, examples }]) => {
    const resolved = schemas[nameOf(schema)] ?? schema;
    const parts = [el("h4", {}, `Body: ${type}`), members(resolved)];
    for (const { summary, value } of Object.values(examples ?? {})) {
      parts.push(el("details", {}, el("summary", {}, `Example: ${summary ?? ""}`), el("pre", { tabindex: "0" }, el("code", {}, JSON.stringify(value, null, 2)))));
    }
    return parts;
  });
}

function operation(path, verb, told, schemas) {
  const parameters = told.parameters ?? [];
  const responses = Object.entries(told.responses).map(([status, answer]) => {
    const contents = Object.entries(answer.content ?? {});
    const names = contents.flatMap(([type, { schema }]) => [schema ? el("span", {}, ...kind(schema)) : null, el("small", {}, ` ${type}`)]);
    return [el("code", {}, status), [answer.description ?? ""], names];
  });
  return el("article", { class: "operation", id: told.operationId },
    el("h3", {}, el("span", { class: "verb" }, verb.toUpperCase()), el("code", {}, path)),
    prose(told.description ?? told.summary),
    parameters.length ? el("h4", {}, "Parameters") : null,
    parameters.length ? table(["Name", "In", "Type", "Meaning"], parameters.map((one) => [
      [el("code", {}, one.name), one.required ? " *" : ""], one.in, kind(one.schema), [prose(one.description, "span")],
    ])) : null,
    ...requestBody(told.requestBody, schemas),
    el("h4", {}, "Answers"), table(["Status", "Meaning", "Body"], responses));
}

function draw(document_) {
  const schemas = document_.components?.schemas ?? {};
  const operations = Object.entries(document_.paths).flatMap(([path, verbs]) =>
    VERBS.filter((verb) => verbs[verb]).map((verb) => ({ path, verb, told: verbs[verb] })));
  const tags = document_.tags?.length ? document_.tags : [{ name: "operations" }];
  const groups = tags.map((tag) => ({ ...tag, operations: operations.filter(({ told }) => (told.tags ?? []).includes(tag.name)) }));
  const contents = groups.flatMap((group) => [el("strong", {}, group.name), el("ul", {}, ...group.operations.map(({ path, verb, told }) =>
    el("li", {}, el("a", { href: `#${told.operationId}` }, `${verb.toUpperCase()} ${path}`))))]);
  document.getElementById("contents").replaceChildren(...contents, el("strong", {}, el("a", { href: "#schemas" }, "schemas")));
  const intro = (document_.info.description ?? "").split(/\n\n+/).filter(Boolean).map((text) => prose(text));
  const sections = groups.map((group) => el("section", {}, el("h2", {}, group.name), prose(group.description),
    ...group.operations.map(({ path, verb, told }) => operation(path, verb, told, schemas))));
  const listed = Object.entries(schemas).map(([name, schema]) => el("details", { id: `schema-${name}` },
    el("summary", {}, name), prose(schema.description), schema.properties ? members(schema) : el("p", {}, ...kind(schema))));
  document.getElementById("reference").replaceChildren(
    el("p", {}, el("strong", {}, `${document_.info.title} ${document_.info.version}`), " · members marked * are always there or needed"),
    ...intro, ...sections, el("section", { id: "schemas" }, el("h2", {}, "Schemas"), ...listed));
}

// A link to a schema opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
  target?.scrollIntoView();
}

try {
  const answer = await fetch(new URL("openapi.json", root));
  draw(await answer.json());
  addEventListener("hashchange", openTarget);
  openTarget();
} catch {
  document.getElementById("reference").replaceChildren(el("p", { role: "alert" }, "openapi.json cannot be read. Check that the service runs, then load this page again."));
}
