import type * as z from 'zod/mini';
import { maxRequestBytes, maxStatementBytes } from '../limits.ts';
import * as chain from './chain.ts';
import * as control from './control.ts';
import * as life from './life.ts';

const forms = {
  owner: chain.owner,
  trust: chain.trust,
  enroll: chain.enroll,
  revoke: chain.revoke,
  grant: chain.grant,
  approver: chain.approver,
  policy: chain.policy,
  epoch: chain.epoch,
  thaw: chain.thaw,
  rotate: chain.rotate,
  cosign: control.cosign,
  freeze: control.freeze,
  service: control.service,
  hello: control.hello,
  ticket: control.ticket,
  code: control.code,
  prekeys: control.prekeys,
  delivered: control.delivered,
  alarm: control.alarm,
  delegate: control.delegate,
  request: life.request,
  permit: life.permit,
  approval: life.approval,
  use: life.use,
  outcome: life.outcome,
} as const;

export type Kind = keyof typeof forms;
export type ChainKind =
  | 'owner'
  | 'trust'
  | 'enroll'
  | 'revoke'
  | 'grant'
  | 'approver'
  | 'policy'
  | 'epoch'
  | 'thaw'
  | 'rotate';
export type Payload<K extends Kind> = z.infer<(typeof forms)[K]>;

export const kinds = Object.freeze(Object.keys(forms)) as readonly Kind[];
export const chainKinds: readonly ChainKind[] = Object.freeze([
  'owner',
  'trust',
  'enroll',
  'revoke',
  'grant',
  'approver',
  'policy',
  'epoch',
  'thaw',
  'rotate',
]);

/** The form of a kind's payload. */
export function formOf<K extends Kind>(kind: K): (typeof forms)[K] {
  return forms[kind];
}

/** Most bytes of the compact form. */
export function maxBytesOf(kind: Kind): number {
  return kind === 'request' ? maxRequestBytes : maxStatementBytes;
}

/** Leaf class of the `owners` log: relays see membership only, never grants (design section 4). */
export type LeafClass = 'membership' | 'private';

export function leafClassOf(kind: ChainKind, payload: Payload<ChainKind>): LeafClass {
  if (kind === 'grant' || kind === 'policy' || kind === 'epoch') return 'private';
  if (kind === 'revoke' && (payload as Payload<'revoke'>).what === 'grant') return 'private';
  return 'membership';
}
