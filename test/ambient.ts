import ts from 'typescript';

const ofNode = new Set(['Buffer', 'process', '__dirname', '__filename', 'require', 'global', 'setImmediate']);
const ofBrowsers = new Set(['document', 'window', 'navigator', 'localStorage', 'location']);
/** Clock, randomness and network are arguments of the foundation, never taken from the surroundings. */
const surroundings = new Set(['setTimeout', 'setInterval', 'fetch', 'performance', 'WebSocket']);
const members = new Set(['Date.now', 'Math.random', 'crypto.getRandomValues', 'globalThis.crypto.getRandomValues']);

/** Globals that only Node has, as far as this code uses them. */
export function nodeOnlyNames(file: string, code: string): string[] {
  return find(file, code, (node) => (isFree(node, ofNode) ? node.text : null));
}

/** What code of the foundation must be given instead of taking it: clock, randomness, network, the page. */
export function ambientNames(file: string, code: string): string[] {
  return find(file, code, (node) => {
    if (isFree(node, ofBrowsers) || isFree(node, surroundings)) return node.text;
    if (ts.isPropertyAccessExpression(node) && members.has(node.getText())) return node.getText();
    const now = ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length;
    return now ? 'new Date()' : null;
  });
}

function find(file: string, code: string, name: (node: ts.Node) => string | null): string[] {
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true);
  const found = new Set<string>();
  const own = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (isVariable(node) && ts.isIdentifier(node.name)) own.add(node.name.text);
    const named = name(node);
    if (named !== null) found.add(named);
    ts.forEachChild(node, visit);
  };
  visit(source);
  // A variable or argument of that name is no global.
  return [...found].filter((name) => !own.has(name)).sort();
}

const isVariable = (node: ts.Node) =>
  ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node);

/** A name that stands for itself: members and properties may be called what they like. */
function isFree(node: ts.Node, names: ReadonlySet<string>): node is ts.Identifier {
  if (!ts.isIdentifier(node) || !names.has(node.text)) return false;
  const { parent } = node;
  return !('name' in parent && parent.name === node);
}
