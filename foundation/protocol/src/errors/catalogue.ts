import { CaponierError } from '@caponier/crypto/error';
import { capsuleErrors } from './capsule.ts';
import { cliErrors } from './cli.ts';
import { cryptoErrors } from './crypto.ts';
import type { ErrorEntry } from './define.ts';
import { gateErrors } from './gate.ts';
import { hostErrors } from './host.ts';
import { logErrors } from './log.ts';
import { ownerErrors } from './owner.ts';
import { permitErrors } from './permit.ts';
import { policyErrors } from './policy.ts';
import { relayErrors } from './relay.ts';
import { sessionErrors } from './session.ts';
import { statementErrors } from './statement.ts';
import { storeErrors } from './store.ts';
import { workerErrors } from './worker.ts';

/** Every stable error code of the product, in one place (design section 12). */
export const errorCatalogue = Object.freeze({
  ...cryptoErrors,
  ...statementErrors,
  ...ownerErrors,
  ...permitErrors,
  ...policyErrors,
  ...gateErrors,
  ...workerErrors,
  ...logErrors,
  ...capsuleErrors,
  ...sessionErrors,
  ...relayErrors,
  ...storeErrors,
  ...hostErrors,
  ...cliErrors,
});

export type ErrorCode = keyof typeof errorCatalogue;

/** Makes (does not throw) the coded error: `throw fail('permit.expired')`. `detail` stays in our own log. */
export function fail(code: ErrorCode, detail?: string, cause?: unknown): CaponierError {
  return new CaponierError(code, detail ? `${code}: ${detail}` : code, cause === undefined ? undefined : { cause });
}

/** The entry for any thrown value; whatever has no code of ours is `host.internal`, so nothing internal leaks. */
export function entryOf(error: unknown): ErrorEntry & { readonly code: ErrorCode } {
  const code =
    error instanceof CaponierError && Object.hasOwn(errorCatalogue, error.code)
      ? (error.code as ErrorCode)
      : 'host.internal';
  return { code, ...errorCatalogue[code] };
}
