import { type ErrorCode, errorCatalogue } from '@caponier/protocol';
import { type RelayLimits, relayLimits } from './limits.ts';

/**
 * What the relay counts. Threat: a label that a peer can choose makes a new row for every peer, in memory and in whatever
 * collects it. Measure: every label is of a closed list, and stands at 0 from the start.
 */
export interface RelayMeter {
  /** Something of this kind happened, `by` times (default 1). */
  add<C extends RelayCounter>(counter: C, value: RelayCounterValue<C>, by?: number): void;
  /** How long something took, in milliseconds. */
  time(timing: RelayTiming, milliseconds: number): void;
}

const codes = (Object.keys(errorCatalogue) as ErrorCode[]).filter((code): code is ErrorCode & `relay.${string}` =>
  code.startsWith('relay.'),
);

/** Counters: the name of their one label, its values, and a sentence. */
export const relayCounters = {
  limit_hits: {
    label: 'limit',
    values: Object.keys(relayLimits) as (keyof RelayLimits)[],
    help: 'Times that a limit turned something away, slowed it or cut it.',
  },
  connections_refused: {
    label: 'code',
    values: codes,
    help: 'Connections that were turned away before they had proven a device.',
  },
  connections_cut: { label: 'code', values: codes, help: 'Connections of devices and guests that the relay ended.' },
  connections_welcomed: {
    label: 'proof',
    values: ['chain', 'resume', 'service'] as const,
    help: 'Connections that proved a device, by what they showed.',
  },
  mail: {
    label: 'outcome',
    values: ['accepted', 'repeated', 'refused', 'delivered', 'expired'] as const,
    help: 'Messages taken, taken before, refused, acknowledged by their recipient, and too old.',
  },
  alerts: {
    label: 'kind',
    values: ['first_owner', 'first_device', 'key_changed', 'flapping', 'refusals', 'revoked', 'storage'] as const,
    help: 'Operator alerts raised.',
  },
} as const;

export type RelayCounter = keyof typeof relayCounters;
export type RelayCounterValue<C extends RelayCounter> = (typeof relayCounters)[C]['values'][number];

/** Histograms, in milliseconds, each with its sentence. */
export const relayTimings = {
  hello: 'From a `hello` to its answer.',
  mail: 'From a message to its durable acceptance.',
  open: 'From the opening of a stream to its answer.',
} as const;

export type RelayTiming = keyof typeof relayTimings;

/** Counts nothing. */
export const silentMeter: RelayMeter = { add() {}, time() {} };
