import type { Did, Payload } from '@caponier/protocol';

type Listed = Payload<'service'>['services'][number];
export type ServiceRole = Listed['role'];

/** One service of a deployment, as its operator says; `key` was found in the owner's trust before it is used. */
export interface Service {
  readonly role: ServiceRole;
  /** A worker's class of data; null for the others. */
  readonly class: string | null;
  readonly key: Did;
  /** Without a slash at the end. */
  readonly url: string;
  /** SHA-256 of the certificate's public key, base64url; null where the web's authorities vouch or over loopback. */
  readonly pin: string | null;
  readonly custody: Listed['custody'];
}
