/**
 * The only fields a log line can have. Never among them: payloads, tokens, headers, names that people gave, secrets,
 * addresses in full. A field is added here with a reason, or not logged.
 */
export interface LogFields {
  /** Stable error code. */
  readonly code?: string;
  /** HTTP status or WebSocket close code. */
  readonly status?: number;
  readonly method?: string;
  /** The pattern of a route (`/owners/:owner`), never a path. */
  readonly route?: string;
  /** Why, as one of a few words of ours. */
  readonly reason?: string;
  /** Kind of a statement, mail or frame. */
  readonly kind?: string;
  /** Ids and keys: shortened. */
  readonly owner?: string;
  readonly device?: string;
  readonly service?: string;
  readonly peer?: string;
  readonly request?: string;
  readonly permit?: string;
  readonly statement?: string;
  readonly log?: string;
  /** What an address counts as (`addressKey`): the last part of IPv4 is cut. */
  readonly address?: string;
  /** Durations, in milliseconds. */
  readonly ms?: number;
  readonly bytes?: number;
  readonly count?: number;
  readonly size?: number;
  readonly index?: number;
  readonly connections?: number;
  readonly port?: number;
  readonly pid?: number;
  readonly signal?: string;
  /** Name of a limit and its value. */
  readonly limit?: string;
  readonly value?: number;
  readonly version?: string;
  /** File and line of a fault. */
  readonly where?: string;
}

/** How a field is brought to what may be shown. */
type Shape = 'number' | 'word' | 'id' | 'address';

export const logFields: Readonly<Record<keyof LogFields, Shape>> = Object.freeze({
  code: 'word',
  status: 'number',
  method: 'word',
  route: 'word',
  reason: 'word',
  kind: 'word',
  owner: 'id',
  device: 'id',
  service: 'id',
  peer: 'id',
  request: 'id',
  permit: 'id',
  statement: 'id',
  log: 'word',
  address: 'address',
  ms: 'number',
  bytes: 'number',
  count: 'number',
  size: 'number',
  index: 'number',
  connections: 'number',
  port: 'number',
  pid: 'number',
  signal: 'word',
  limit: 'word',
  value: 'number',
  version: 'word',
  where: 'word',
});

/** Characters of an id that are shown: enough to find it, too few to be it. */
const ID_CHARACTERS = 10;

const shapes: Record<Shape, (value: unknown) => unknown> = {
  number: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
  // Short and without spaces or quotes: no text of anybody's, no header and no JSON looks like this.
  word: (value) => (typeof value === 'string' && /^[\w.:/@+-]{1,80}$/.test(value) ? value : undefined),
  id: (value) =>
    typeof value === 'string' && /^[\w:.-]{1,128}$/.test(value)
      ? value.replace(/^did:key:/, '').slice(0, ID_CHARACTERS)
      : undefined,
  address: (value) =>
    typeof value === 'string' && /^[\da-f.:/]{1,64}$|^unknown$/.test(value)
      ? value.replace(/^(\d+\.\d+\.\d+)\.\d+$/, '$1.0/24')
      : undefined,
};

/** What is left of `fields` to print. `withheld` counts what did not fit, so that a mistake is seen but not its content. */
export function allowed(fields: LogFields): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let withheld = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const shape = Object.hasOwn(logFields, name) ? logFields[name as keyof LogFields] : undefined;
    const shown = shape && shapes[shape](value);
    if (shown === undefined) withheld++;
    else kept[name] = shown;
  }
  return withheld > 0 ? { ...kept, withheld } : kept;
}
