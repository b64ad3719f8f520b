import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { runHere } from './run-here.ts';

/**
 * Scripts in `scripts/`: what is typed and what comes back, to be read like a terminal.
 *
 *     # a comment
 *     file name            the lines below, indented by two spaces, go into a file of the working folder
 *     $ caponier verify x  a command; the lines below it are its standard output, those after `2>` its errors
 *     ? 2                  its exit code, where it is not 0
 *
 * `…` stands for anything on a line, a line of `...` for any number of lines. No command may make the home.
 */
interface Step {
  readonly line: number;
  readonly args: string[];
  readonly out: string[];
  readonly err: string[];
  code: number;
}

const folder = fileURLToPath(new URL('scripts', import.meta.url));

function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

function parse(text: string): { steps: Step[]; files: Map<string, string[]> } {
  const steps: Step[] = [];
  const files = new Map<string, string[]>();
  let into: string[] | null = null;
  for (const [i, line] of text.split('\n').entries()) {
    const step = steps.at(-1);
    if (line.startsWith('#')) continue;
    if (line.startsWith('file ')) {
      into = [];
      files.set(line.slice(5), into);
    } else if (into && line.startsWith('  ')) into.push(line.slice(2));
    else if (line.startsWith('$ caponier')) {
      into = null;
      steps.push({ line: i + 1, args: words(line.slice(10)), out: [], err: [], code: 0 });
    } else if (line.startsWith('2> ')) step?.err.push(line.slice(3));
    else if (line.startsWith('? ')) step!.code = Number(line.slice(2));
    else if (line !== '' || (step && step.out.length > 0)) step?.out.push(line);
  }
  for (const { out } of steps) while (out.at(-1) === '') out.pop();
  return { steps, files };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function pattern(lines: readonly string[]): RegExp {
  const parts = lines.map((line) => (line === '...' ? '[^]*?' : `${escaped(line).replaceAll('…', '.*')}\n`));
  return new RegExp(`^${parts.join('')}$`);
}

const before = { cwd: process.cwd(), home: process.env.CAPONIER_HOME };
let room = '';

afterEach(() => {
  process.chdir(before.cwd);
  if (before.home === undefined) delete process.env.CAPONIER_HOME;
  else process.env.CAPONIER_HOME = before.home;
  rmSync(room, { recursive: true, force: true });
});

test.each(readdirSync(folder))('%s', async (name) => {
  const { steps, files } = parse(readFileSync(join(folder, name), 'utf8'));
  room = mkdtempSync(join(tmpdir(), 'caponier-script-'));
  process.chdir(room);
  process.env.CAPONIER_HOME = join(room, 'home');
  for (const [file, lines] of files) writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  const made = readdirSync(room);
  expect(steps.length).toBeGreaterThan(0);
  for (const step of steps) {
    const got = await runHere(step.args);
    const where = `${name}:${step.line}`;
    expect(got.err, where).toMatch(pattern(step.err));
    expect(got.out, where).toMatch(pattern(step.out));
    expect(got.code, where).toBe(step.code);
  }
  expect(readdirSync(room), 'no command made a home').toEqual(made);
});
