import { fromBase64url, type Secret } from '@caponier/crypto';
import { fail, workerWire } from '@caponier/protocol';
import { originOf } from './call/hosts.ts';
import type { Intake } from './keys/intake.ts';
import type { Keyring } from './keys/keyring.ts';
import type { VaultDatabase } from './store/open.ts';
import type { ListedSecret, SecretRow } from './store/secrets.ts';

/** What the owner allows a secret to be used for. */
interface Rules {
  /** Origins it may be sent to, exactly. Empty: it can be revealed only. */
  readonly hosts: string[];
  /** Whether their names may point to private addresses. */
  readonly allowPrivate: boolean;
}

/** Attempts at the next version when several write one secret at once; each round one of them gets through. */
const MAX_ATTEMPTS = 32;

/** The secrets of all owners: sealed on the way in, opened on the way out. */
export class Secrets {
  readonly #db: VaultDatabase;
  readonly #keys: Keyring;
  readonly #intake: Intake;

  constructor(db: VaultDatabase, keys: Keyring, intake: Intake) {
    this.#db = db;
    this.#keys = keys;
    this.#intake = intake;
  }

  /**
   * Sets value and rules together: whoever may write a secret cannot send an older value somewhere new. Durable when
   * it resolves. Throws `vault.bad_secret`, `store.full`.
   */
  async put(
    place: { readonly owner: string; readonly name: string; readonly epoch: number },
    body: unknown,
    origin: { readonly putBy: string; readonly now: number },
  ): Promise<workerWire.SecretFacts> {
    const { owner, name } = place;
    const { value, rules } = openPut(this.#intake, place, body);
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const version = ((await this.#db.read('getSecret', { owner, name }))?.version ?? 0) + 1;
        const text = JSON.stringify(rules);
        const sealed = this.#keys.seal(value, { owner, name, version }, text, place.epoch);
        const row: SecretRow = { owner, name, version, sealed, rules: text, putBy: origin.putBy, putAt: origin.now };
        if (await this.#db.run('putSecret', row)) return factsOf(row);
      }
    } finally {
      value.wipe();
    }
    throw fail('store.unavailable', 'too many writers of one secret');
  }

  /** Facts and opened value. Wipe the value after use. Throws `vault.no_secret`, `vault.locked`, `crypto.decrypt_failed`. */
  async open(owner: string, name: string): Promise<{ readonly facts: workerWire.SecretFacts; readonly value: Secret }> {
    const row = await this.#db.read('getSecret', { owner, name });
    if (!row) throw fail('vault.no_secret');
    const value = this.#keys.open(row.sealed, { owner, name, version: row.version }, row.rules);
    return { facts: factsOf(row), value };
  }

  /** By name, those that begin so; without values. */
  async list(owner: string, prefix: string): Promise<workerWire.SecretFacts[]> {
    return (await this.#db.read('listSecrets', { owner, prefix })).map(factsOf);
  }

  /** Throws `vault.no_secret`. */
  async delete(owner: string, name: string): Promise<void> {
    if (!(await this.#db.run('deleteSecret', { owner, name }))) throw fail('vault.no_secret');
  }
}

function openPut(
  intake: Intake,
  { owner, name }: { readonly owner: string; readonly name: string },
  body: unknown,
): { value: Secret; rules: Rules } {
  const form = workerWire.SecretPut.safeParse(body);
  if (!form.success) throw fail('vault.bad_secret', form.error.issues[0]?.path.join('.') ?? '');
  const { sealed, hosts, allowPrivate } = form.data;
  const rules = { hosts: [...new Set(hosts.map(originOf))], allowPrivate };
  let value: Secret;
  try {
    value = intake.open(fromBase64url(sealed), workerWire.secretPutContext({ owner, name, hosts, allowPrivate }));
  } catch {
    throw fail('vault.bad_secret', 'seal');
  }
  const { min, max } = workerWire.secretBytes;
  if (value.length < min || value.length > max) {
    value.wipe();
    throw fail('vault.bad_secret', 'length');
  }
  return { value, rules };
}

/** The rules are text of our own making, authenticated with the value: read back as they were written. */
function factsOf(row: ListedSecret): workerWire.SecretFacts {
  const { hosts, allowPrivate } = JSON.parse(row.rules) as Rules;
  return {
    name: row.name,
    version: row.version,
    hosts,
    allowPrivate,
    putBy: row.putBy,
    putAt: Math.floor(row.putAt / 1000),
  };
}
