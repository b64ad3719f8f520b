import { CaponierError } from '@caponier/crypto';
import { entryOf } from '@caponier/protocol';
import { printable } from '@caponier/sdk/printable';

/** Codes whose detail is about what this user typed or set up here, and made in this process: it may be shown. */
const ownDetails = new Set([
  'cli.bad_ticket',
  'cli.usage',
  'cli.no_file',
  'cli.not_ready',
  'host.bad_config',
  'host.loose_permissions',
  'host.public_plaintext',
  'policy.malformed',
  'store.damaged',
]);
const longestDetail = 400;

interface Report {
  readonly code: string;
  readonly title: string;
  readonly hint: string;
  readonly detail?: string;
}

function reportOf(error: unknown): Report {
  const { code, title, hint } = entryOf(error);
  const message = error instanceof CaponierError ? error.message : '';
  const detail = ownDetails.has(code) && message.startsWith(`${code}: `) ? message.slice(code.length + 2) : '';
  const shown = printable(detail, { lines: true }).slice(0, longestDetail);
  return { code, title, hint, ...(shown && shown !== 'answered by the service' && { detail: shown }) };
}

/**
 * `error:` and `hint:` on standard error, or one JSON document on standard output; yields the exit code of the catalogue.
 * Never a stack trace: with CAPONIER_DEBUG set, the stack goes to standard error for whoever mends us.
 */
export function reportError(error: unknown, json: boolean): number {
  const { code, title, hint, detail } = reportOf(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: reportOf(error) })}\n`);
  } else {
    const what = detail ? `${title.replace(/\.$/, ':')} ${detail}` : title;
    process.stderr.write(`error: ${what} [${code}]\nhint: ${hint}\n`);
  }
  if (process.env.CAPONIER_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return entryOf(error).exit;
}
