import { readFileSync } from 'node:fs';
import { isLoopback, type Settings } from '@caponier/host';
import { fail } from '@caponier/protocol';
import type { AdmissionPolicy } from '@caponier/relay';
import type { Deployment, Listed } from './deployment.ts';
import { choiceOf, textOf } from './settings.ts';

const ownerPattern = /^[A-Za-z0-9_-]{43}$/;

export interface AdmissionSettings {
  readonly deployment: Deployment;
  readonly me: Listed;
  /** The address that is bound to. */
  readonly host: string;
  /** `--allow-owner`, as typed. Where it was not, the variable counts: ids with commas between them. */
  readonly owners: readonly string[];
  readonly settings: Settings;
}

/**
 * Whom the relay takes. Beyond this machine that is owners with a ticket, unless somebody said otherwise: a relay that takes
 * everybody carries what strangers send each other. Throws `host.bad_config`.
 */
export function admissionOf({ deployment, me, host, owners: typed, settings }: AdmissionSettings): AdmissionPolicy {
  const said = choiceOf(settings, '--admission', ['open', 'ticket', 'allowlist'] as const);
  // Behind a proxy it is the address it is known by that says who can come.
  const exposed = !isLoopback(host) || !isLoopback(new URL(me.url).hostname);
  const file = textOf(settings, '--allow-owners');
  const owners = typed.length > 0 ? typed : (textOf(settings, '--allow-owner')?.split(',') ?? []);
  if (said !== 'allowlist' && (owners.length > 0 || file !== undefined)) {
    throw fail('host.bad_config', '--allow-owner is for --admission allowlist');
  }
  switch (said ?? deployment.admission) {
    case 'allowlist':
      return { kind: 'allowlist', owners: allowed(owners, file) };
    case 'ticket':
      return { kind: 'ticket', operators: deployment.operators };
    case 'open':
      if (said === undefined && exposed) {
        throw fail(
          'host.bad_config',
          'the deployment admits everybody, and this relay can be reached from elsewhere: say --admission ticket, or --admission open',
        );
      }
      return { kind: 'open', operators: deployment.operators };
  }
}

function allowed(typed: readonly string[], file: string | undefined): string[] {
  const owners = [...typed, ...(file === undefined ? [] : linesOf(file))];
  const wrong = owners.find((owner) => !ownerPattern.test(owner));
  if (wrong !== undefined) throw fail('host.bad_config', `--allow-owner: ${wrong.slice(0, 64)} is no owner id`);
  if (owners.length === 0) throw fail('host.bad_config', '--admission allowlist needs --allow-owner or --allow-owners');
  return [...new Set(owners)];
}

/** Ids, one a line; what follows a `#` is for people. */
function linesOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw fail('host.bad_config', `${file} cannot be read`, cause);
  }
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}
