import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, toBase64url } from '@caponier/crypto';
import { type Signer, seedSigner } from '@caponier/protocol';
import type { Machine, Stage } from '../stage.ts';

export const random = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length));
export const nonce = () => toBase64url(random(16));
export const now = () => Math.floor(Date.now() / 1000);
export const minute = () => ({ iat: now(), exp: now() + 60, nonce: nonce() });

/** Somebody with a key that nobody knows. */
export const stranger = () => seedSigner(Secret.from(random(32)));

/** The key of a service, as whoever took that service over has it. */
export function takenOver({ home }: Machine, service: string): Signer {
  return seedSigner(Secret.from(new Uint8Array(readFileSync(join(home, 'keys', `${service}.key`)))));
}

export async function addressOf(stage: Stage, role: string, of: string | null = null): Promise<string> {
  interface Line {
    role: string;
    class: string | null;
    url: string;
  }
  const { services } = await stage.machine('laptop').ask<{ services: Line[] }>('status');
  return services.find((service) => service.role === role && service.class === of)!.url;
}
