// The HTTP service, as the playground uses it. Every answer that is not a result becomes a Problem.

export class Problem extends Error {
  constructor(members, status, retryAfter) {
    super(members.detail || members.title || "The service gave no reason.");
    this.title = members.title || "That did not work";
    this.action = members.action || "";
    this.type = members.type || "";
    this.requestId = members.request_id || "";
    this.faults = members.errors || [];
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const KEY = "api-key";
export const rememberKey = (key) => sessionStorage.setItem(KEY, key);
export const root = new URL(".", document.baseURI);

async function ask(path, options = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let answer;
  try {
    answer = await fetch(new URL(path, root), { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "No answer", detail: "The service cannot be reached.", action: "Check that it runs, then try again." }, 0);
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok || body === null) {
    throw new Problem(body || { title: answer.statusText }, answer.status, Number(answer.headers.get("Retry-After")) || undefined);
  }
  return body;
}

function form(file, parameters) {
  const data = new FormData();
  data.append("file", file, file.name);
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) data.append(name, one);
  }
  return data;
}

export const models = async () => (await ask("v1/models")).models;

export const answer = (task, file, parameters, signal) =>
  ask(`v1/${task}`, { method: "POST", body: form(file, parameters), signal });

// The same as a job, for documents that are too long to wait for: looked up until it has ended.
export async function answerLater(task, file, parameters, signal, onProgress) {
  const headers = { Prefer: "respond-async", "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) };
  let job = await ask(`v1/${task}`, { method: "POST", body: form(file, parameters), headers, signal });
  while (job.status === "queued" || job.status === "running") {
    onProgress(job.progress);
    await new Promise((resolve) => setTimeout(resolve, 700));
    job = await ask(`v1/jobs/${job.id}`, { signal });
  }
  if (job.status !== "succeeded") throw new Problem(job.problem || { title: "The job was cancelled" }, job.problem?.status);
  return job.result;
}
