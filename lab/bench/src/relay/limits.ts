import type { RelayServerOptions } from './serve-relay.ts';

const many = 1_000_000;

/** All clients of a measurement are on this machine: what one address may ask for is raised. */
export const oneMachine: RelayServerOptions = {
  limits: {
    challengesPerMinute: many,
    strangersPerAddress: 2_000,
    newcomersPerAddress: many,
    newOwnersPerHour: many,
    newOwnersPerHourPerAddress: many,
  },
  flags: { '--max-requests-per-minute': many, '--request-burst': many },
};

/** These limits and those. */
export function also(options: RelayServerOptions, more: Partial<RelayServerOptions>): RelayServerOptions {
  return { limits: { ...options.limits, ...more.limits }, flags: { ...options.flags, ...more.flags } };
}

/** How the raised limits would be given on the command line. */
export function raised({ limits, flags }: RelayServerOptions): string {
  const given = [
    ...Object.entries(limits).map(([name, value]) => `--limit ${name}=${value}`),
    ...Object.entries(flags).map(([flag, value]) => `${flag} ${value}`),
  ];
  return `limits raised: ${given.join(' ')}`;
}
