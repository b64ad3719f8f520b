import type { Random } from '@caponier/crypto';
import type { Log } from '../log/log.ts';
import { openCertificateFolder } from './folder.ts';
import { selfSigned } from './self-signed.ts';
import type { TlsSettings } from './settings.ts';
import type { CertificateSource } from './source.ts';

export interface OpenCertificateOptions {
  readonly settings: TlsSettings;
  /** The folder of keys and certificates, made where missing. */
  readonly folder: string;
  /** Names and addresses of the self-signed certificate; undefined where the deployment wants none. */
  readonly selfSignedFor: readonly string[] | undefined;
  /** The address that the service binds to, and its challenges with it. */
  readonly host: string;
  readonly log: Log;
  readonly clock: () => number;
  readonly random: Random;
}

/**
 * What a service serves TLS with, by its settings; undefined: plaintext. Throws `host.loose_permissions`,
 * `host.bad_certificate`, `host.bad_config`, all before anything listens.
 */
export async function openCertificate(options: OpenCertificateOptions): Promise<CertificateSource | undefined> {
  const { settings, selfSignedFor, host, log, clock, random } = options;
  if (settings.kind === 'files') {
    const { certificateFiles } = await import('./files.ts');
    return certificateFiles({ ...settings, log, clock });
  }
  if (settings.kind === 'home' && selfSignedFor === undefined) return undefined;
  const folder = openCertificateFolder(options.folder, log);
  if (settings.kind === 'home') return selfSigned({ folder, hosts: selfSignedFor ?? [], log, clock });
  const { acmeCertificate } = await import('./acme/acme.ts');
  const { port, ...acme } = settings;
  return acmeCertificate({ ...acme, folder, challenge: { host, port }, log, clock, random });
}
