import { fail } from '@caponier/protocol';
import { defineLimit, readLimit, type Settings } from '../limit.ts';
import { isLoopback } from '../listen/address.ts';
import { parseNames } from './acme/names.ts';

/** Where Let's Encrypt begins. */
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

const challengePort = defineLimit({
  name: 'acmePort',
  default: 80,
  min: 1,
  max: 65_535,
  flag: '--acme-port',
  env: 'CAPONIER_ACME_PORT',
  doc: 'port on which ACME challenges are answered; the authority comes to port 80',
});

/** How a service gets its certificate, as an operator sets it. `home`: as its deployment says, self-signed or none. */
export type TlsSettings =
  | { readonly kind: 'home' }
  | { readonly kind: 'files'; readonly key: string; readonly cert: string }
  | {
      readonly kind: 'acme';
      readonly names: readonly string[];
      readonly directory: string;
      readonly email: string | undefined;
      readonly agreedToTerms: boolean;
      readonly port: number;
    };

const variableOf = (flag: string) => `CAPONIER_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;

/** Flags of these settings; each has a variable, `--tls-key` is `CAPONIER_TLS_KEY`. */
export const tlsFlags = [
  ['--tls-key <file>', 'PEM key of a certificate that something else renews, mode 0600'],
  ['--tls-cert <file>', 'its PEM certificate chain; both are taken anew when they change'],
  ['--acme-names <names>', 'host names to get a certificate for by ACME, separated by commas'],
  ['--acme-agree-terms <yes>', 'that you agree to the terms of service of the authority'],
  ['--acme-email <address>', 'where the authority may write to'],
  ['--acme-directory <url>', `the authority (default: ${LETS_ENCRYPT})`],
  ['--acme-port <n>', 'port on which its challenges are answered (80)'],
] as const;

/** Names of the variables of these settings. */
export const tlsVariables: readonly string[] = tlsFlags.map(([usage]) => variableOf(usage.split(' ')[0] ?? ''));

function directoryOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Whoever answers in its place can make us show keys for names of theirs, and say what our certificate is.
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !safe || url.username !== '' || url.password !== '') {
    throw fail('host.bad_config', '--acme-directory must be an https address');
  }
  return url.href;
}

/** Throws `host.bad_config` for what is malformed, half said, or says two things. */
export function readTlsSettings(settings: Settings): TlsSettings {
  const get = (flag: string) => (settings.flags?.[flag] ?? settings.env[variableOf(flag)])?.toString() || undefined;
  const [key, cert, names] = [get('--tls-key'), get('--tls-cert'), get('--acme-names')];
  if ((key === undefined) !== (cert === undefined)) {
    throw fail('host.bad_config', '--tls-key and --tls-cert go together');
  }
  if (key !== undefined && names !== undefined)
    throw fail('host.bad_config', '--tls-key and --acme-names exclude each other');
  if (key !== undefined && cert !== undefined) return { kind: 'files', key, cert };
  if (names === undefined) return { kind: 'home' };
  const [agreed, email] = [get('--acme-agree-terms'), get('--acme-email')];
  if (agreed !== 'yes') throw fail('host.bad_config', '--acme-agree-terms yes: read the terms of the authority first');
  if (email !== undefined && !/^[^\s@,?]{1,64}@[^\s@,?]{1,253}$/.test(email))
    throw fail('host.bad_config', '--acme-email');
  return {
    kind: 'acme',
    names: parseNames(names),
    directory: directoryOf(get('--acme-directory') ?? LETS_ENCRYPT),
    email,
    agreedToTerms: true,
    port: readLimit(challengePort, settings),
  };
}
