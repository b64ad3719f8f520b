import type { Home } from '@caponier/host/home';
import { type Did, fail, type Payload } from '@caponier/protocol';
import type { LogAnchor } from '@caponier/verify';
import * as z from 'zod/mini';

/** One service of a deployment, as the `service` statement says it. */
export type Listed = Payload<'service'>['services'][number];

/**
 * What every service of a deployment must know of the others: written by `up`, or by hand for services that stand alone on
 * machines of their own. Holds no secret.
 */
export interface Deployment {
  /** Origin of the registry's logs. */
  readonly origin: string;
  /** The address services bind to, and whether they speak TLS with the certificate in `tls/`. */
  readonly host: string;
  readonly tls: boolean;
  /** Keys that sign tickets and addresses. */
  readonly operators: readonly Did[];
  /** Whether relay and registry take every owner, or those with a ticket of an operator. */
  readonly admission: 'open' | 'ticket';
  readonly witnesses: readonly { readonly name: string; readonly key: Did }[];
  /** Witnesses that must sign a head. */
  readonly k: number;
  readonly services: readonly Listed[];
}

export const deploymentFile = 'deployment.json';

const form = z.strictObject({
  origin: z.string().check(z.minLength(1), z.maxLength(128)),
  host: z.string().check(z.minLength(1), z.maxLength(253)),
  tls: z.boolean(),
  operators: z.array(z.string()),
  admission: z.enum(['open', 'ticket']),
  witnesses: z.array(z.strictObject({ name: z.string(), key: z.string() })),
  k: z.int().check(z.gte(1), z.lte(16)),
  services: z.array(
    z.strictObject({
      role: z.enum(['relay', 'registry', 'witness', 'broker', 'gate', 'worker', 'web']),
      class: z.nullable(z.string()),
      key: z.string().check(z.regex(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/)),
      url: z.string().check(z.regex(/^https?:\/\/[^/]+$/)),
      pin: z.nullable(z.string()),
      custody: z.enum(['same-user', 'other-user', 'other-machine', 'other-operator']),
    }),
  ),
});

/** Throws `host.bad_config` with the place of the first fault. */
export function parseDeployment(text: string, name: string = deploymentFile): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('host.bad_config', `${name} is not JSON`, cause);
  }
  const parsed = form.safeParse(value);
  if (parsed.success) return parsed.data as Deployment;
  throw fail('host.bad_config', `${name}: ${parsed.error.issues[0]?.path.join('.') || 'not an object'}`);
}

/** The deployment whose services this home runs; undefined where it runs none. Throws `host.bad_config`. */
export function readDeployment(home: Home): Deployment | undefined {
  const bytes = home.read(deploymentFile);
  return bytes && parseDeployment(new TextDecoder().decode(bytes));
}

export function encodeDeployment(deployment: Deployment): string {
  return `${JSON.stringify(deployment, null, 2)}\n`;
}

/** The service of that role and class. Throws `host.bad_config` where the deployment has none. */
export function serviceOf({ services }: Deployment, role: Listed['role'], of: string | null = null): Listed {
  const found = services.find((service) => service.role === role && service.class === of);
  if (!found) throw fail('host.bad_config', `${deploymentFile} names no ${of ?? role}`);
  return found;
}

export function anchorOfDeployment(deployment: Deployment): LogAnchor {
  const { origin, witnesses, k } = deployment;
  return { origin, key: serviceOf(deployment, 'registry').key, witnesses, k };
}
