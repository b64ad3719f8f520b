import type { Listed } from './deployment.ts';

/** The services of this program: which role and class each has, and how `up` and the logs call it. */
export interface ServiceName {
  /** Name of its command, key file, data folder and log. */
  readonly name: string;
  readonly role: Listed['role'];
  readonly class: string | null;
  /** The command line that starts it. */
  readonly command: readonly string[];
}

const domain = (name: string, role: Listed['role']): ServiceName => ({ name, role, class: null, command: [name] });
const worker = (name: string, of: string, command: readonly string[] = [name]): ServiceName => ({
  name,
  role: 'worker',
  class: of,
  command,
});

/** In the order in which they are shown, and started. */
export const serviceNames: readonly ServiceName[] = [
  domain('witness', 'witness'),
  domain('registry', 'registry'),
  domain('relay', 'relay'),
  domain('broker', 'broker'),
  domain('gate', 'gate'),
  worker('vault', 'secret'),
  worker('memory', 'memory'),
  worker('config', 'config', ['memory', '--class', 'config']),
  worker('classify', 'classify'),
];

/** What people call a service: by its command. One of another program is called by its class or role. */
export function nameOfService(role: string, of: string | null): string {
  return serviceNames.find((known) => known.role === role && known.class === of)?.name ?? of ?? role;
}
