import { concat, crypto, fromBase64url, type Secret, toBase64url, utf8 } from '@caponier/crypto';
import { type Did, fail } from '@caponier/protocol';

/** Seconds a resume token lives. */
export const resumeSeconds = 3600;
/** Characters of the secret at least: 32 of base64 are 192 bits. */
export const minResumeSecretLength = 32;

export interface ResumeSecrets {
  readonly current: Secret;
  /** The one before, still taken: so that a rotation drops nobody. */
  readonly previous?: Secret;
}

const label = utf8('caponier relay resume 1');
const ownerBytes = 32;
const macBytes = 32;
const tokenBytes = 8 + ownerBytes + macBytes;

/**
 * Tokens that spare a device its chain on the next connection: `expiry ‖ owner ‖ HMAC-SHA256`.
 *
 * The device's key and the relay's are under the MAC, not in the token, so a token is good for the one key that must
 * sign the fresh challenge anyway: stolen, it opens nothing. It says only that this device was proven an hour ago at
 * most; whether it still is, the newest known history says.
 */
export class ResumeTokens {
  readonly #secrets: ResumeSecrets | undefined;
  readonly #relay: Did;

  /** Throws `host.bad_config` for a secret that could be guessed. Without secrets no token is given out or taken. */
  constructor(secrets: ResumeSecrets | undefined, relay: Did) {
    for (const secret of secrets ? [secrets.current, ...(secrets.previous ? [secrets.previous] : [])] : []) {
      if (secret.length < minResumeSecretLength) throw fail('host.bad_config', 'resume secret below 32 characters');
    }
    this.#secrets = secrets;
    this.#relay = relay;
  }

  #mac(secret: Secret, device: Did, body: Uint8Array): Uint8Array {
    return crypto.hmac('SHA256', secret.expose(), label, utf8(this.#relay), utf8(device), body);
  }

  /** Empty where tokens are not in use. `now` in milliseconds. */
  issue(device: Did, owner: string, now: number): Uint8Array {
    if (!this.#secrets) return new Uint8Array(0);
    const body = new Uint8Array(8 + ownerBytes);
    new DataView(body.buffer).setBigUint64(0, BigInt(Math.floor(now / 1000) + resumeSeconds));
    body.set(fromBase64url(owner), 8);
    return concat(body, this.#mac(this.#secrets.current, device, body));
  }

  /** Whether `check` would take it. */
  isGood(token: Uint8Array, device: Did, owner: string, now: number): boolean {
    try {
      this.check(token, device, owner, now);
      return true;
    } catch {
      return false;
    }
  }

  /** Throws `relay.stale_resume` unless this token was given to this device, for this owner, within the hour. */
  check(token: Uint8Array, device: Did, owner: string, now: number): void {
    if (!this.#secrets || token.length !== tokenBytes) throw fail('relay.stale_resume', 'form');
    const body = token.subarray(0, 8 + ownerBytes);
    const mac = token.subarray(8 + ownerBytes);
    const { current, previous } = this.#secrets;
    const good = [current, ...(previous ? [previous] : [])].some((secret) =>
      crypto.equal(mac, this.#mac(secret, device, body)),
    );
    if (!good) throw fail('relay.stale_resume', 'MAC');
    const until = Number(new DataView(token.buffer, token.byteOffset).getBigUint64(0)) * 1000;
    if (until <= now) throw fail('relay.stale_resume', 'expired');
    if (toBase64url(token.slice(8, 8 + ownerBytes)) !== owner) throw fail('relay.stale_resume', 'owner');
  }
}
