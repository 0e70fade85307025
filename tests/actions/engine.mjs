// GitHub's own workflow parser and expressions, asked by JSON lines: see engine.py.

import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Evaluator, Lexer, Parser, data } from "@actions/expressions";
import { TokenType } from "@actions/expressions/lexer";
import { falsy } from "@actions/expressions/result";
import { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } from "@actions/workflow-parser";
import { convertActionTemplate, parseAction } from "@actions/workflow-parser/actions/index";
import { isBasicExpression, isMapping, isSequence } from "@actions/workflow-parser";
import { StringToken } from "@actions/workflow-parser/templates/tokens/string-token";

const trace = new NoOperationTraceWriter();

// For its editor the library reads expressions from a text's source, so that a folded one (`>-`)
// keeps its line breaks and indentation around them; GitHub reads them from its value.
Object.defineProperty(StringToken.prototype, "source", {
  get() {
    return this.value;
  },
  set() {},
});

// A template as JSON; what is to be evaluated later is {"$": expression}.
function plain(token) {
  if (isMapping(token)) {
    return Object.fromEntries([...token].map(({ key, value }) => [key.toString(), plain(value)]));
  }
  if (isSequence(token)) return [...token].map(plain);
  if (isBasicExpression(token)) return { $: token.expression };
  return token.value ?? null;
}

function checked(context) {
  const errors = context.errors.getErrors().map((error) => error.message);
  if (errors.length > 0) throw new Error(errors.join("\n"));
}

// The converted template knows what each `if` means: success() && (...) where it names no status.
function withConditions(steps, converted) {
  steps.forEach((step, at) => {
    step.if = converted[at].if.expression;
  });
}

async function workflow({ name, content }) {
  const { context, value } = parseWorkflow({ name, content }, trace);
  checked(context);
  const template = await convertWorkflowTemplate(context, value);
  checked(context);
  const tree = plain(value);
  for (const job of template.jobs) {
    tree.jobs[job.id.value].if = job.if.expression;
    if (job.steps) withConditions(tree.jobs[job.id.value].steps, job.steps);
  }
  return { tree, events: template.events };
}

function action({ name, content }) {
  const { context, value } = parseAction({ name, content }, trace);
  checked(context);
  const template = convertActionTemplate(context, value);
  checked(context);
  const tree = plain(value);
  if (template.runs.using === "composite") withConditions(tree.runs.steps, template.runs.steps);
  return tree;
}

// As the runner does it: the digest of the digests of all files that fit, in the order found.
function hashFiles(workspace, patterns) {
  const whole = createHash("sha256");
  const found = globSync(patterns, { cwd: workspace }).map((name) => join(workspace, name));
  const files = found.filter((path) => statSync(path).isFile()).sort();
  for (const path of files) whole.update(createHash("sha256").update(readFileSync(path)).digest());
  return files.length > 0 ? whole.digest("hex") : "";
}

function functionsOf({ status = {}, workspace }) {
  const answer = (name) => ({ name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(status[name]) });
  const own = ["success", "failure", "cancelled"].filter((name) => name in status).map(answer);
  if ("success" in status) {
    own.push({ name: "always", minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(true) });
  }
  if (workspace !== undefined) {
    const call = (...names) =>
      new data.StringData(hashFiles(workspace, names.map((each) => each.coerceString())));
    own.push({ name: "hashFiles", minArgs: 1, maxArgs: 255, call });
  }
  return own;
}

// The library takes the first '' in a text for a quote and leaves the others; the runner takes all.
function lexed(expression) {
  const { tokens } = new Lexer(expression).lex();
  for (const token of tokens.filter((each) => each.type === TokenType.STRING)) {
    token.value = token.lexeme.slice(1, -1).replaceAll("''", "'");
  }
  return tokens;
}

function evaluate(expression, request) {
  const contexts = JSON.parse(JSON.stringify(request.contexts), data.reviver);
  const own = functionsOf(request);
  const tree = new Parser(lexed(expression), Object.keys(request.contexts), own).parse();
  const byName = new Map(own.map((each) => [each.name.toLowerCase(), each]));
  return new Evaluator(tree, contexts, byName).evaluate();
}

function resolved(value, request) {
  if (Array.isArray(value)) return value.map((item) => resolved(item, request));
  if (value === null || typeof value !== "object") {
    return request.strings ? String(value ?? "") : value;
  }
  if (!("$" in value)) {
    const items = Object.entries(value).map(([key, item]) => [key, resolved(item, request)]);
    return Object.fromEntries(items);
  }
  const found = evaluate(value.$, request);
  return request.strings ? found.coerceString() : JSON.parse(JSON.stringify(found, data.replacer));
}

const verbs = {
  workflow,
  action,
  resolve: (request) => resolved(request.value, request),
  condition: (request) => !falsy(evaluate(request.expression, request)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = { value: await verbs[request.verb](request) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
