import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCatalogue } from '@caponier/protocol';
import { describe, expect, test } from 'vitest';
import { type CommandSpec, commandOf } from '../surfaces/cli/src/command.ts';
import { commandSpecs } from '../surfaces/cli/src/program.ts';

/** Docs are part of the product: what they name must be there. */

const root = fileURLToPath(new URL('..', import.meta.url));
const exclude = ['**/node_modules/**', 'build/**', '**/.stryker-tmp/**', '**/assets/**'];
const files = (pattern: string) => globSync(pattern, { cwd: root, exclude }).sort();
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const documents = files('**/*.md');

const withoutCode = (text: string) => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');

/** Ids of headings, as GitHub makes them. */
function anchors(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!);
  return new Set(headings.map((heading) => slug(heading)));
}
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');

test.each(documents)('%s: links lead somewhere', (path) => {
  const links = [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  for (const link of links) {
    if (/^[a-z]+:/.test(link)) continue;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : join(dirname(path), file);
    expect(existsSync(join(root, target)), `${link} in ${path}`).toBe(true);
    if (anchor !== undefined) expect([...anchors(read(target))], `${link} in ${path}`).toContain(anchor);
  }
});

/** Lines of shell blocks, without prompt and comment. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/```(?:sh|console|bash)\n([\s\S]*?)```/g)].map(([, block]) => block!);
  return blocks
    .flatMap((block) => block.split('\n'))
    .map((line) =>
      line
        .replace(/\s#.*$/, '')
        .replace(/^\s*[\w-]*\$\s+/, '')
        .trim(),
    )
    .filter((line) => line !== '');
}

const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

/** The same command, which does nothing when it is parsed. */
function quiet({ action: _does, commands, ...spec }: CommandSpec): CommandSpec {
  return { ...spec, action: async () => {}, ...(commands && { commands: commands.map(quiet) }) };
}

async function parse(words: readonly string[]): Promise<void> {
  const spec = commandSpecs.find(({ usage }) => usage.split(' ')[0] === words[0]);
  expect(spec, `caponier ${words.join(' ')}`).toBeDefined();
  await commandOf(quiet(spec!)).parseAsync(words.slice(1), { from: 'user' });
}

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const npmItself = new Set(['ci', 'install', 'sbom', 'audit']);

describe('commands in docs', () => {
  const lines = documents.flatMap((path) => commandLines(read(path)).map((line) => [line, path] as const));

  test.each(lines)('%s (%s)', async (line) => {
    for (const part of line.split(/ (?:\||&&|;) /)) {
      const words = wordsOf(part.replace(/ [<>] \S+/g, '')).filter((word) => !/^[A-Z_]+=/.test(word));
      const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
      if (program === 'caponier') await parse(rest);
      else if (program === 'npm') expectScript(rest);
      else if (program?.startsWith('.')) expect(existsSync(join(root, program)), line).toBe(true);
    }
  });

  test('there are some', () => {
    expect(lines.length).toBeGreaterThan(10);
  });

  test.each(documents)('%s: what stands between the lines is known, too', (path) => {
    const text = read(path).replace(/```[\s\S]*?```/g, '');
    for (const [, code = ''] of text.matchAll(/`((?:npx )?(?:caponier|npm) [^`\n]+)`/g)) {
      const words = code.replace(/^npx /, '').split(/\s+/);
      if (words[0] === 'npm') expectScript(words.slice(1));
      else
        expect(
          commandSpecs.map(({ usage }) => usage.split(' ')[0]),
          code,
        ).toContain(words[1]);
    }
  });
});

function expectScript(words: readonly string[]): void {
  const [first = '', ...rest] = words.filter((word) => word !== '-s');
  if (npmItself.has(first)) return;
  expect(Object.keys(scripts), `npm ${words.join(' ')}`).toContain(first === 'run' ? rest[0] : first);
}

describe('docs/checks.md', () => {
  const tests = files('foundation/verify/test/worker/*.ts').map(read).join('\n');
  const rows = read('docs/checks.md')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  test('has a row for each check', () => {
    expect(rows.map((row) => Number(row[1]))).toEqual(rows.map((_, i) => i + 1));
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(rows.map((row) => [row[2]!.replaceAll('`', ''), row[4]!, row[5]!] as const))(
    '%s: its attacks are tests, its codes are in the catalogue',
    (check, codes, attacks) => {
      expect(tests).toContain(`'${check}'`);
      const names = attacks.split('; ');
      for (const name of names) expect(tests, name).toContain(name);
      for (const [, code = ''] of codes.matchAll(/`([a-z_.*]+)`/g)) {
        const known = Object.keys(errorCatalogue);
        expect(
          known.some((other) => (code.endsWith('*') ? other.startsWith(code.slice(0, -1)) : other === code)),
          code,
        ).toBe(true);
      }
    },
  );
});

test('files that docs name in code are there', () => {
  for (const path of documents) {
    const named = read(path).matchAll(
      /`((?:foundation|domains|surfaces|journeys|lab|scripts|test|spec|docs)\/[\w./-]+\.\w+)`/g,
    );
    for (const [, file = ''] of named) expect(existsSync(join(root, file)), `${file} in ${path}`).toBe(true);
  }
});

test('figures carry machine, command and date', () => {
  const sections = read('docs/benchmarks.md').split(/^(?=## )/m);
  const measured = sections.filter((section) => /^\|.*\d.*\|$/m.test(section));
  expect(measured.length).toBeGreaterThan(0);
  for (const section of measured) {
    const title = section.split('\n')[0]!;
    expect(section, title).toMatch(/\d cores/);
    expect(section, title).toMatch(/`npm (run|test|start)[^`]*`/);
    expect(section, title).toMatch(/\b20\d\d-\d\d-\d\d\b/);
  }
});

test('no text of ours names a place on one machine', () => {
  const local = new RegExp(`(?<![\\w.])/(?:${['work', 'root', 'Users', 'home/[a-z]+'].join('|')})/`);
  const texts = files('**/*.{md,ts,tsx,mjs,cjs,json,svg,css,html}').filter((path) => path !== 'package-lock.json');
  for (const path of [...texts, '.ci/run']) {
    const line = read(path)
      .split('\n')
      .find((text) => local.test(text));
    expect(line, path).toBeUndefined();
  }
});
