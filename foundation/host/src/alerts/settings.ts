import { readFileSync, statSync } from 'node:fs';
import { Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { refuseLoose } from '../home/permissions.ts';
import { checkTarget } from '../outbound/post.ts';
import { MIN_SECRET_LENGTH } from './sign.ts';

/** Bytes of a secret's file. */
const MAX_SECRET_FILE = 4096;

/** Where alerts go, and what signs them. */
export interface Webhook {
  readonly url: string;
  readonly secret: Secret;
  readonly allowLoopback: boolean;
}

export interface WebhookSettings {
  readonly url: string | undefined;
  /** Path of the file that holds the secret: of this user, mode 0600. */
  readonly secretFile: string | undefined;
  readonly allowLoopback: boolean;
}

/** Undefined where none is set. Throws `host.bad_config`, `host.loose_permissions`. */
export function readWebhook({ url, secretFile, allowLoopback }: WebhookSettings): Webhook | undefined {
  if (url === undefined && secretFile === undefined) return undefined;
  if (url === undefined) throw fail('host.bad_config', '--alert-webhook-secret-file without --alert-webhook');
  checkTarget(url, '--alert-webhook', allowLoopback);
  if (secretFile === undefined) throw fail('host.bad_config', '--alert-webhook needs --alert-webhook-secret-file');
  return { url, secret: readSecret(secretFile), allowLoopback };
}

function readSecret(path: string): Secret {
  let text: string;
  try {
    const stats = statSync(path);
    refuseLoose(path, stats);
    if (stats.size > MAX_SECRET_FILE) throw fail('host.bad_config', `${path} is too long for a secret`);
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno === undefined) throw error;
    throw fail('host.bad_config', `${path} cannot be read`, error);
  }
  if (text.length < MIN_SECRET_LENGTH) {
    throw fail('host.bad_config', `${path}: the secret of a webhook has at least ${MIN_SECRET_LENGTH} characters`);
  }
  return Secret.from(new TextEncoder().encode(text));
}
