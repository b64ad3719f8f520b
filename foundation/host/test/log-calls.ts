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
const isLog = (expression: ts.Expression): boolean => {
  const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
  return /^#?log$|Log$/.test(name);
};

function checkName(argument: ts.Expression | undefined): string | undefined {
  if (argument && ts.isStringLiteral(argument) && /^[a-z_]+\.[a-z_]+$/.test(argument.text)) return undefined;
  return 'the event is not written out as noun.verb';
}

function checkFields(argument: ts.Expression | undefined): string | undefined {
  if (argument === undefined) return undefined;
  if (!ts.isObjectLiteralExpression(argument)) return 'the fields are not written out';
  for (const property of argument.properties) {
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
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { expression: receiver, name } = node.expression;
      if (methods.has(name.text) && isLog(receiver)) {
        calls++;
        found(node, checkName(node.arguments[0]));
        found(node, checkFields(node.arguments[1]));
        if (node.arguments.length > 2) found(node, 'more than an event and its fields');
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { calls, findings };
}
