import { utf8 } from '@caponier/crypto';
import * as z from 'zod/mini';
import { count, edDid, hash, integer, list, nonce, seconds, text } from './kinds/members.ts';

/**
 * What the workers do. An operation's parameters are the body of its request (JSON, whose salted digest the request
 * signs), its object is the request's resource, and its result is JSON too. `null` body: the request has none.
 *
 * | class             | operation        | resource         | body                  | result                       |
 * |-------------------|------------------|------------------|-----------------------|------------------------------|
 * | `secret`          | `secret.put`     | name             | {@link SecretPut}     | {@link SecretFacts}          |
 * |                   | `secret.use`     | name             | {@link SecretCall}    | {@link SecretCallAnswer}     |
 * |                   | `secret.reveal`  | name             | null                  | {@link SecretRevealed}       |
 * |                   | `secret.list`    | beginning of `*` | null                  | {@link SecretList}           |
 * |                   | `secret.delete`  | name             | null                  | {@link SecretDeleted}        |
 * | `memory`,`config` | `memory.put`     | `namespace/key`  | {@link MemoryPut}     | {@link MemoryVersion}        |
 * |                   | `memory.get`     | `namespace/key`  | {@link MemoryGet}     | {@link MemoryEntry}          |
 * |                   | `memory.search`  | beginning of `*` | {@link MemorySearch}  | {@link MemoryFound}          |
 * |                   | `memory.list`    | beginning of `*` | {@link MemoryList}    | {@link MemoryListed}         |
 * |                   | `memory.suggest` | `namespace/key`  | {@link MemorySuggest} | {@link MemorySuggested}      |
 * |                   | `memory.curate`  | `namespace/key`  | {@link MemoryCurate}  | {@link MemoryVersion}        |
 * | `classify`        | `classify.text`  | any              | {@link ClassifyText}  | {@link ClassifyVerdict}      |
 *
 * A beginning is text with one `*` at its end (`notes/*`, `*`): the answer holds what begins so, and grants cover it as they
 * cover any resource, so that nobody lists or searches wider than the grant.
 */

/** Most bytes of a request's body at a worker. */
export const maxWorkerBodyBytes = 256 * 1024;

const base64url = (most: number) => z.string().check(z.maxLength(most), z.regex(/^[A-Za-z0-9_-]*$/));
const flag = z.boolean();

/** The name of a secret. */
export const secretName = /^[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}$/;
/** Where an entry of memory is. */
export const memoryPlace = /^[a-z0-9][a-z0-9._-]{0,63}\/[\x21-\x29\x2b-\x7e]{1,128}$/;

/** Bytes of a secret: the least is what an answer can be scrubbed of without finding it by chance. */
export const secretBytes = { min: 4, max: 64 * 1024 } as const;

/** Where a worker shows, in a `prekeys` statement of its own key, what can be sealed to it. */
export const workerKeysPath = '/keys';
export const WorkerKeys = z.strictObject({ statement: z.string().check(z.maxLength(16_384)) });

/** Bytes that sealing adds: a mode, an X25519 key, an ML-KEM-768 ciphertext, a tag. */
const sealBytes = 1 + 32 + 1088 + 16;

/**
 * `sealed` is base64url: the value, sealed to the vault's keys (`prekey` and `kem`) for `secretPutContext`, because the body
 * of a request also goes to whoever decides, and a gate is not to see secrets. `hosts` are `host`, `host:port` (https), or
 * `http://127.0.0.1:port` and `http://[::1]:port` for a program beside the vault; a call goes to exactly these. Value and
 * hosts are set together: whoever may write a secret cannot send an older value somewhere new. `allowPrivate`: names among
 * `hosts` may point to private addresses.
 */
export const SecretPut = z.strictObject({
  sealed: base64url(Math.ceil(((secretBytes.max + sealBytes) * 4) / 3)),
  hosts: list(z.string().check(z.maxLength(255)), 16),
  allowPrivate: flag,
});

/** What a value is sealed for: nobody can put it elsewhere, or allow it other hosts. */
export function secretPutContext(place: {
  readonly owner: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly allowPrivate: boolean;
}): Uint8Array {
  const { owner, name, hosts, allowPrivate } = place;
  return utf8(JSON.stringify(['caponier secret.put 1', owner, name, hosts, allowPrivate]));
}

/** What stands where the secret goes. */
export const secretPlaceholder = '{{secret}}';

/**
 * Where the secret goes: exactly there, once. `header`, `query`, `body`: that value holds the placeholder (`query`: is it),
 * and it stands nowhere else; in a body it is escaped as the content type asks (JSON, form). `basic`: the vault writes the
 * header `authorization` of this user and the secret (RFC 7617), and there is no placeholder.
 */
const place = z.discriminatedUnion('in', [
  z.strictObject({ in: z.literal('header'), name: z.string().check(z.regex(/^[a-z0-9-]{1,64}$/)) }),
  z.strictObject({ in: z.literal('basic'), user: z.string().check(z.regex(/^[\x20-\x39\x3b-\x7e]{0,128}$/)) }),
  z.strictObject({ in: z.literal('query'), name: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/)) }),
  z.strictObject({ in: z.literal('body') }),
]);

/** One HTTP call as the request signs it. Names of headers are in lower case; those of the connection are the vault's own. */
export const SecretCall = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: z.string().check(z.maxLength(2048)),
  headers: z
    .record(z.string().check(z.regex(/^[a-z0-9-]{1,64}$/)), z.string().check(z.regex(/^[\x20-\x7e]{0,4096}$/)))
    .check(z.refine((headers) => Object.keys(headers).length <= 32)),
  body: z.nullable(z.string().check(z.maxLength(64 * 1024))),
  place,
});

/**
 * What came back, scrubbed of the secret. `body` is base64url, at most 1 MiB. `truncated`: it is not whole (too long,
 * broken off, or in an encoding that cannot be scrubbed: then it is empty).
 */
export const SecretCallAnswer = z.strictObject({
  status: integer(0, 999),
  headers: z.record(z.string(), z.string()),
  body: base64url(1_400_000),
  truncated: flag,
});

/** Who wrote it: an agent by name, or a device for its person; a contact's after the id of its owner and a slash. */
const author = z.string().check(z.maxLength(160));

/** `hosts` are origins here. */
export const SecretFacts = z.strictObject({
  name: z.string().check(z.regex(secretName)),
  version: count,
  hosts: list(z.string(), 16),
  allowPrivate: flag,
  putBy: author,
  putAt: seconds,
});
/** The value, sealed to the box key of the device that asked. */
export const SecretRevealed = z.strictObject({ sealed: base64url(100_000) });
export const SecretList = z.strictObject({ secrets: z.array(SecretFacts) });
export const SecretDeleted = z.strictObject({ deleted: z.literal(true) });

const memoryText = z.string().check(z.minLength(1), z.maxLength(64 * 1024));
const limit = integer(1, 200);
const version = integer(1, Number.MAX_SAFE_INTEGER);

/** `expected` is the version the writer has seen, 0 where there is none; null: whatever is there. */
export const MemoryPut = z.strictObject({ text: memoryText, expected: z.nullable(count) });
export const MemoryGet = z.strictObject({ version: z.nullable(version) });
/** Words; an entry is found if it has them all, the last as a beginning. */
export const MemorySearch = z.strictObject({ query: z.string().check(z.maxLength(512)), limit });
/** `after` is the last `namespace/key` of the page before, or empty. */
export const MemoryList = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('entries'), after: z.string().check(z.maxLength(256)), limit }),
  z.strictObject({ what: z.literal('suggestions'), limit }),
]);
export const MemorySuggest = z.strictObject({ text: memoryText, reason: text(512) });
/** Only a controller, for its person: an answer to a suggestion, or the end of an entry. */
export const MemoryCurate = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('accept'), suggestion: nonce }),
  z.strictObject({ action: z.literal('reject'), suggestion: nonce }),
  z.strictObject({ action: z.literal('delete'), expected: z.nullable(version) }),
]);

/** Where a text came from, as the checked use says. Ids of statements; `at` in seconds since the epoch. */
const provenance = z.strictObject({ by: author, device: edDid, permit: hash, request: hash, at: seconds });
const listed = { namespace: z.string(), key: z.string(), version: count, provenance };

export const MemoryVersion = z.strictObject({ version: z.nullable(version) });
export const MemoryEntry = z.strictObject({ ...listed, text: z.string() });
export const MemoryFound = z.strictObject({ entries: z.array(MemoryEntry) });
export const MemoryListed = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('entries'), entries: z.array(z.strictObject(listed)) }),
  z.strictObject({
    what: z.literal('suggestions'),
    suggestions: z.array(
      z.strictObject({
        id: nonce,
        namespace: z.string(),
        key: z.string(),
        text: z.string(),
        reason: z.string(),
        provenance,
      }),
    ),
  }),
]);
export const MemorySuggested = z.strictObject({ suggestion: nonce });

/** Characters (UTF-16) of a text to classify. */
export const maxClassifyText = 64 * 1024;
export const ClassifyText = z.strictObject({ text: z.string().check(z.maxLength(maxClassifyText)) });
/** `from` and `to` count UTF-16 code units, as `slice` does; the text itself is never repeated. */
export const ClassifyVerdict = z.strictObject({
  category: z.enum(['credential', 'health', 'financial', 'identity', 'contact', 'unknown', 'plain']),
  tier: z.enum(['safe', 'sensitive']),
  findings: z.array(z.strictObject({ type: z.string(), from: count, to: count })),
});

export type SecretPut = z.infer<typeof SecretPut>;
export type SecretCall = z.infer<typeof SecretCall>;
export type SecretCallAnswer = z.infer<typeof SecretCallAnswer>;
export type WorkerKeys = z.infer<typeof WorkerKeys>;
export type SecretFacts = z.infer<typeof SecretFacts>;
export type SecretRevealed = z.infer<typeof SecretRevealed>;
export type SecretList = z.infer<typeof SecretList>;
export type SecretDeleted = z.infer<typeof SecretDeleted>;
export type MemoryPut = z.infer<typeof MemoryPut>;
export type MemoryGet = z.infer<typeof MemoryGet>;
export type MemorySearch = z.infer<typeof MemorySearch>;
export type MemoryList = z.infer<typeof MemoryList>;
export type MemorySuggest = z.infer<typeof MemorySuggest>;
export type MemoryCurate = z.infer<typeof MemoryCurate>;
export type MemoryVersion = z.infer<typeof MemoryVersion>;
export type MemoryEntry = z.infer<typeof MemoryEntry>;
export type MemoryFound = z.infer<typeof MemoryFound>;
export type MemoryListed = z.infer<typeof MemoryListed>;
export type MemorySuggested = z.infer<typeof MemorySuggested>;
export type ClassifyText = z.infer<typeof ClassifyText>;
export type ClassifyVerdict = z.infer<typeof ClassifyVerdict>;
