import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '@caponier/protocol';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { relayLimitTable } from '../domains/relay/src/limits.ts';
import { listenerLimits } from '../foundation/host/src/listen/limits.ts';

/** docs/threat-model.md claims a test for every threat that is ours: they are there, and so is every number it names. */

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/threat-model.md');

interface Row {
  readonly id: string;
  readonly title: string;
  readonly part: (name: string) => string[];
  readonly text: string;
}

const rowsOf = (text: string): readonly Row[] =>
  text
    .split(/^#### /m)
    .slice(1)
    .map(rowOf);

function rowOf(block: string): Row {
  const text = block.split(/^#{2,4} /m)[0]!;
  const [heading = ''] = text.split('\n');
  const part = (name: string) =>
    [...text.matchAll(new RegExp(`^- \\*\\*${name}:\\*\\* (.+)$`, 'gm'))].map(([, value]) => value!);
  return { id: heading.split(' ')[0]!, title: heading.slice(heading.indexOf(' ') + 1), part, text };
}

const rows = rowsOf(page);
const ids = new Set(rows.map(({ id }) => id));
const isYours = ({ part }: Row) => part('Test').join() === 'yours to do';
const citesOf = ({ part }: Row) =>
  part('Test').map((cite) => {
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(cite) ?? [];
    return { cite, file, title };
  });

const titles = new Map<string, ReadonlySet<string>>();
const runs = new Set(['each', 'for', 'concurrent', 'sequential', 'skipIf', 'runIf']);

/** The titles of the tests in a file that run: `test('…')`, `it.each(…)('…')`, and not what is skipped for good. */
function titlesIn(path: string): ReadonlySet<string> {
  const known = titles.get(path);
  if (known) return known;
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node)) return;
    const [title] = node.arguments;
    const { name, words } = rootOf(node.expression);
    if (!title || !ts.isStringLiteralLike(title) || !['test', 'it'].includes(name)) return;
    // `test.skip` proves nothing, and `test.store.read('…')` is no test: some tests call their fixture so.
    if (words.every((word) => runs.has(word))) found.add(title.text);
  };
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest));
  titles.set(path, found);
  return found;
}

/** `it.each([…])` begins with `it`, by way of `each`. */
function rootOf(expression: ts.Expression): { name: string; words: string[] } {
  if (ts.isIdentifier(expression)) return { name: expression.text, words: [] };
  if (ts.isCallExpression(expression)) return rootOf(expression.expression);
  if (!ts.isPropertyAccessExpression(expression)) return { name: '', words: [] };
  const { name, words } = rootOf(expression.expression);
  return { name, words: [...words, expression.name.text] };
}

/** What is wrong with a row. */
function faultsOf(row: Row): string[] {
  const faults: string[] = [];
  const demand = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  demand(/^[A-Z]-\d\d$/.test(row.id), 'id');
  demand(row.title.length > 5, 'title');
  demand(/^(high|medium|low)$/.test(row.part('Severity').join()), 'severity');
  for (const name of ['Mitigation', 'Remains', 'Later']) {
    demand(row.part(name).length === 1 && row.part(name)[0]!.length > 4, name.toLowerCase());
  }
  demand(row.part('Test').length > 0, 'no test');
  if (isYours(row)) return faults;
  for (const { cite, file, title } of citesOf(row)) {
    const isThere = file.endsWith('.test.ts') && existsSync(join(root, file));
    demand(isThere, `no such file: ${cite}`);
    if (isThere) demand(titlesIn(file).has(title), `no such test: ${cite}`);
  }
  return faults;
}

describe('every threat', () => {
  test('has an id of its own, and there are many', () => {
    expect(ids.size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(100);
  });

  test.each(rows.map((row) => [row.id, row.title, row] as const))(
    '%s %s: has all its parts, and tests that are there',
    (_, __, row) => {
      expect(faultsOf(row)).toEqual([]);
    },
  );

  test.each([
    ['without a test', /^- \*\*Test.*\n/gm, '', 'no test'],
    ['with a test that is not there', /many$/m, 'none', 'no such test'],
    ['with a file that is not there', 'threat-model.test', 'threat.test', 'no such file'],
    ['with a group of tests for a test', /has an id.*/, 'every threat', 'no such test'],
    ['without what remains', /^- \*\*Remains.*\n/m, '', 'remains'],
    ['without a severity', 'high', 'dire', 'severity'],
  ])('%s is noticed', (_, what, instead, fault) => {
    const whole = [
      '#### X-01 Somebody plants a row',
      '- **Severity:** high',
      '- **Mitigation:** it is noticed',
      '- **Test:** `test/threat-model.test.ts`: has an id of its own, and there are many',
      '- **Remains:** nothing',
      '- **Later:** nothing\n',
    ].join('\n');
    expect(rowsOf(whole).flatMap(faultsOf)).toEqual([]);
    expect(rowsOf(whole.replace(what, instead)).flatMap(faultsOf).join()).toContain(fault);
  });
});

test('every hostile client has its row', () => {
  const cited = new Set(rows.flatMap(citesOf).map(({ file }) => file));
  const hostile = globSync('domains/relay/test/hostile/**/*.test.ts', { cwd: root });
  expect(hostile.filter((file) => !cited.has(file))).toEqual([]);
});

describe('numbers', () => {
  const sources = globSync('{foundation,domains,surfaces}/*/src/**/*.ts', { cwd: root }).map(read).join('\n');

  function inForce(name: string): number[] {
    if (name in relayLimitTable) return [relayLimitTable[name as keyof typeof relayLimitTable].default];
    const ofListener = listenerLimits.find((limit) => limit.name === name);
    if (ofListener) return [ofListener.default];
    const shared = (limits as Record<string, unknown>)[name];
    if (typeof shared === 'number') return [shared];
    const defined = sources.matchAll(new RegExp(`const ${name} = ([\\d_ *]+);`, 'g'));
    return [...defined].map(([, product]) =>
      product!.split('*').reduce((value, factor) => value * Number(factor.replaceAll('_', '')), 1),
    );
  }

  const named = rows.flatMap(({ id, text }) =>
    [...text.matchAll(/`(\w+)` = ([\d,]+\d|\d)/g)].map(([, name, value]) => [id, name!, value!] as const),
  );

  test.each(named)('%s: %s is %s', (_, name, value) => {
    expect([...new Set(inForce(name))]).toEqual([Number(value.replaceAll(',', ''))]);
  });

  test('stand in every row about denial of service of the relay', () => {
    const section = page.slice(page.indexOf('### Denial of service, before'), page.indexOf('### Bad input'));
    const without = new Set(['R-23', 'R-27', 'R-30', 'R-35']);
    for (const { id, part } of rows) {
      if (!section.includes(`#### ${id} `) || without.has(id)) continue;
      expect(part('Mitigation').join(), id).toMatch(/`\w+` = \d/);
    }
  });

  test('stand for every limit of the relay: each is there against something', () => {
    const against = new Set(named.map(([, name]) => name));
    expect(Object.keys(relayLimitTable).filter((name) => !against.has(name))).toEqual([]);
  });
});

describe('tables', () => {
  const table = (heading: string) =>
    page
      .slice(page.indexOf(`## ${heading}`))
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(1)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      );
  const services = ['relay', 'registry', 'witness', 'broker', 'gate', 'vault', 'memory', 'classifier'];

  test('what each service sees: all services, both columns', () => {
    const sees = table('What each service sees');
    expect(sees.map(([service]) => service)).toEqual([...services, 'daemon']);
    for (const cells of sees)
      expect(
        cells.every((cell) => cell.length > 3),
        cells[0],
      ).toBe(true);
  });

  test('where each question is answered: all services, every question, by rows that are there', () => {
    const answered = table('Where each question is answered');
    expect(answered.map(([service]) => service)).toEqual([...services, 'daemon and surfaces']);
    for (const [service, ...cells] of answered) {
      expect(cells).toHaveLength(8);
      for (const cell of cells) {
        const cited = cell.match(/[A-Z]-\d\d/g) ?? [];
        expect(cited.length, `${service}: ${cell}`).toBeGreaterThan(0);
        for (const id of cited) expect(ids, `${service}: ${cell}`).toContain(id);
      }
    }
  });

  test('every dependency that ships has its reason, and every reason its dependency', () => {
    const used = new Map<string, string[]>();
    for (const path of globSync('{foundation,domains,surfaces}/*/package.json', { cwd: root }).sort()) {
      const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(read(path));
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
        if (!name.startsWith('@caponier/')) used.set(name, [...(used.get(name) ?? []), path.split('/')[1]!]);
      }
    }
    const wanted = [...used].map(([name, by]) => [`\`${name}\``, by.sort().join(', ')]).sort();
    expect(table('Dependencies').map(([name, by]) => [name, by])).toEqual(wanted);
    for (const [name, , why] of table('Dependencies')) expect(why?.length, name).toBeGreaterThan(8);
  });
});

test('words that point to rows point to rows', () => {
  for (const [id] of page.matchAll(/\b[RPYWBGVMCDS]-\d\d\b/g)) expect(ids).toContain(id);
});

test('the other pages lead here', () => {
  expect(read('docs/architecture.md')).toMatch(/## Threat model[\s\S]*\(threat-model\.md\)/);
  expect(read('docs/protocol.md')).toContain('(threat-model.md)');
  expect(read('SECURITY.md')).toContain('(docs/threat-model.md)');
});
