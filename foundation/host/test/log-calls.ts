import ts from 'typescript';
import { logFields } from '../src/log/fields.ts';

/** A place in a source file that could put something into a log that is not allowed there. */
export interface Finding {
  readonly line: number;
  readonly what: string;
}

export interface Walked {
  /** Log calls seen. */
  readonly calls: number;
  readonly findings: Finding[];
}

const methods = new Set(['event', 'warn', 'error']);
const eventPattern = /^[a-z_]+\.[a-z_]+$/;
const isLog = (expression: ts.Expression): boolean => {
  const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
  return /^#?log$|Log$/.test(name);
};

/** `(event, fields) => log.event(event, fields)` hands the log on; what is written through it is judged where it is called. */
function handsOn(call: ts.CallExpression): boolean {
  const { parent } = call;
  return (
    ts.isArrowFunction(parent) &&
    parent.body === call &&
    parent.parameters.length === call.arguments.length &&
    parent.parameters.every(({ name }, i) => name.getText() === call.arguments[i]?.getText())
  );
}

/** `log.event('noun.verb', …)`, or, where the log was handed on as a function, `log('noun.verb', …)`. */
function isLogCall(call: ts.CallExpression): boolean {
  const { expression } = call;
  if (ts.isPropertyAccessExpression(expression) && methods.has(expression.name.text) && isLog(expression.expression)) {
    return !handsOn(call);
  }
  const [first] = call.arguments;
  return isLog(expression) && first !== undefined && ts.isStringLiteral(first) && eventPattern.test(first.text);
}

function checkName(argument: ts.Expression | undefined): string | undefined {
  if (argument && ts.isStringLiteral(argument) && eventPattern.test(argument.text)) return undefined;
  return 'the event is not written out as noun.verb';
}

/** The objects an expression may be, each written out; undefined where it may be another. */
function objectsOf(expression: ts.Expression): ts.ObjectLiteralExpression[] | undefined {
  if (ts.isObjectLiteralExpression(expression)) return [expression];
  if (ts.isParenthesizedExpression(expression)) return objectsOf(expression.expression);
  if (!ts.isConditionalExpression(expression)) return undefined;
  const [yes, no] = [objectsOf(expression.whenTrue), objectsOf(expression.whenFalse)];
  return yes && no && [...yes, ...no];
}

function checkFields(argument: ts.Expression | undefined): string | undefined {
  if (argument === undefined) return undefined;
  const objects = objectsOf(argument);
  if (!objects) return 'the fields are not written out';
  for (const property of objects.flatMap(({ properties }) => [...properties])) {
    if (ts.isSpreadAssignment(property)) {
      const finding = checkFields(property.expression);
      if (finding) return finding;
      continue;
    }
    const named = ts.isPropertyAssignment(property) || ts.isShorthandPropertyAssignment(property);
    if (!named || !ts.isIdentifier(property.name)) return 'the fields are not written out';
    if (!Object.hasOwn(logFields, property.name.text)) return `the field ${property.name.text} is not allowed`;
  }
  return undefined;
}

/** Ways to the outside that go round the log. */
function aroundTheLog(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    if (node.expression.getText() === 'console') return `console.${node.name.text}`;
    if (/^process\.std(out|err)$/.test(node.getText())) return node.getText();
  }
  if (ts.isImportDeclaration(node) && /^['"]pino/.test(node.moduleSpecifier.getText())) return 'pino';
  return undefined;
}

/** Finds every log call of a source text, and whether it keeps to the allowed fields. */
export function walkLogCalls(file: string, text: string): Walked {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const findings: Finding[] = [];
  let calls = 0;
  const found = (node: ts.Node, what: string | undefined) => {
    if (what !== undefined)
      findings.push({ line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, what });
  };
  const visit = (node: ts.Node): void => {
    found(node, aroundTheLog(node));
    if (ts.isCallExpression(node) && isLogCall(node)) {
      calls++;
      found(node, checkName(node.arguments[0]));
      found(node, checkFields(node.arguments[1]));
      if (node.arguments.length > 2) found(node, 'more than an event and its fields');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { calls, findings };
}
