import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { walkLogCalls } from './log-calls.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What speaks to a person on a terminal, or runs in a page, prints; everything else may only log. */
const prints = /^surfaces\/(cli|web)\/|^foundation\/host\/src\/log\//;

it('every log call of the product uses an event written out and allowed fields, and nothing goes round the log', () => {
  const files = globSync('{foundation,domains,surfaces}/*/src/**/*.{ts,tsx}', { cwd: root });
  const all = files.map((file) => ({ file, ...walkLogCalls(file, readFileSync(`${root}/${file}`, 'utf8')) }));
  const findings = all.flatMap(({ file, findings }) =>
    findings
      .filter(({ what }) => !(prints.test(file) && /^(console|process|pino)/.test(what)))
      .map(({ line, what }) => `${file}:${line} ${what}`),
  );
  const calls = all.reduce((sum, walked) => sum + walked.calls, 0);
  expect(findings).toEqual([]);
  expect(calls).toBeGreaterThan(0);
});

it.each([
  ['a field that is not on the list', `log.event('mail.stored', { body })`],
  ['fields from elsewhere', `this.#log.warn('mail.stored', fields)`],
  ['a spread', `options.log.error('mail.stored', { ...request })`],
  ['a computed field', `log.event('mail.stored', { [name]: 1 })`],
  ['a computed event', "log.event('mail.' + what)"],
  ['an event of another form', `log.event('Mail stored for Alice')`],
  ['a third argument', `log.event('mail.stored', {}, secret)`],
  ['a log by another name', `auditLog.event('mail.stored', { token })`],
  ['a forbidden field behind a condition', `log.event('mail.stored', found ? { bytes } : { body })`],
  ['a forbidden field in a spread', `log.event('mail.stored', { bytes, ...(found ? { token } : {}) })`],
  ['a log handed on as a function', `this.#log('mail.stored', { body })`],
  ['a hand-over that adds something', `const handed = (event, fields) => log.event(event, { ...fields, body })`],
  ['the console', `console.log(secret)`],
  ['standard error', `process.stderr.write(secret)`],
  ['its own logger', `import { pino } from 'pino';`],
])('finds %s', (_name, text) => {
  expect(walkLogCalls('x.ts', text).findings).not.toEqual([]);
});

it('finds nothing wrong with what is allowed', () => {
  const text = `log.event('mail.stored', { bytes: 5, device }); this.#log.warn('listener.full'); tree.log.append(x); error.event(y);
    log('mail.stored', { bytes, ...(device ? { device } : {}) }); use({ log: (event, fields) => log.event(event, fields) });`;
  expect(walkLogCalls('x.ts', text)).toEqual({ calls: 3, findings: [] });
});
