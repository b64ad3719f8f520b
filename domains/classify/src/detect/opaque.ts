import type { Finding } from '../verdict.ts';

/**
 * What the detectors cannot judge, and which therefore is not safe: bytes that are not text, long runs that may encode
 * anything, and scripts that the patterns were not written for.
 */

/** Characters in a row, without a space, that may be an encoded secret. */
const opaqueRun = /[A-Za-z0-9+/_=-]{24,}/g;
const notText = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])/;
/** Letters of a script other than Latin. */
const otherScript = /(?!\p{Script=Latin})\p{L}/u;

/** Mixed letters and digits, or hexadecimal: a long word or a path of words is not opaque. */
function isOpaque(run: string): boolean {
  if (/^[0-9a-f]+$/i.test(run)) return /\d/.test(run);
  return /\d/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run);
}

export function opaque(text: string): Finding[] {
  const found: Finding[] = [];
  const mark = (name: string, at: number, length: number) =>
    found.push({ type: `unknown.${name}`, from: at, to: at + length });
  const control = notText.exec(text);
  if (control) mark('not_text', control.index, 1);
  const script = otherScript.exec(text);
  if (script) mark('script', script.index, script[0].length);
  for (const run of text.matchAll(opaqueRun)) if (isOpaque(run[0])) mark('opaque', run.index, run[0].length);
  return found;
}
