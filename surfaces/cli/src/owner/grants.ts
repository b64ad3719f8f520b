import type { LocalClient, LocalResults } from '@caponier/daemon/client';
import { systemClock } from '@caponier/host/home';
import { type Did, fail } from '@caponier/protocol';
import type { GrantMembers } from '@caponier/sdk';
import type { Run } from '../command.ts';
import { duration, wholeNumber } from '../flags.ts';
import { hereDaemon } from '../home/context.ts';
import { extendChain } from '../home/hand.ts';
import { shown } from '../terminal/output.ts';
import { tellPushes } from './pushes.ts';

type Grant = LocalResults['view']['grants'][number];

/** Characters of an id in lists, and the fewest that name a grant. */
const shortId = 12;

export async function listGrants({ output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const [{ grants }, { devices }] = await Promise.all([client.call('view', {}), client.call('status', {})]);
  output.document({ grants });
  if (grants.length === 0) output.line('No grants: nothing may be asked for.');
  for (const grant of grants) {
    output.line(`${output.style('bold', grant.id.slice(0, shortId))}  ${shown(grant.label)}`);
    output.note(shown(sentence(grant, devices)));
  }
}

type Devices = LocalResults['status']['devices'];

function sentence({ to, decides, ops, resources, ceilings, approvals, exp }: Grant, devices: Devices): string {
  const nameOf = (did: string) => devices.find((device) => device.did === did)?.name ?? 'a former device';
  const agents = to.agents.map((agent) => (agent === '*@*' ? 'any agent' : agent));
  const who = [...agents, ...to.devices.map((did) => (did === '*' ? 'any device' : nameOf(did)))].join(', ');
  const bounds = [
    ...ceilings.map(({ per, uses }) => `${uses} ${per === 'total' ? 'in all' : `a ${per}`}`),
    ...(approvals.k > 0 ? [`${approvals.k} approvals`] : []),
    ...(exp === null ? [] : [`until ${new Date(exp * 1000).toISOString().slice(0, 10)}`]),
  ];
  const of = to.owner === null ? '' : ` of owner ${to.owner.slice(0, shortId)}`;
  return `${who}${of}: ${ops.join(', ')} on ${resources.join(', ')} (${[`${decides} decides`, ...bounds].join(', ')})`;
}

interface Flags {
  readonly label?: string;
  readonly contact?: string;
  readonly broker?: boolean;
  readonly perHour?: string;
  readonly perDay?: string;
  readonly total?: string;
  readonly approvals?: string;
  readonly expires?: string;
  readonly purpose?: string;
  readonly op?: string[];
  readonly resource?: string[];
  readonly agent?: string[];
  readonly device?: string[];
}

const maxUses = 1_000_000_000;

function ceilingsOf({ perHour, perDay, total }: Flags): GrantMembers['ceilings'] {
  const given = [
    { per: 'hour' as const, uses: wholeNumber(perHour, '--per-hour', 1, maxUses) },
    { per: 'day' as const, uses: wholeNumber(perDay, '--per-day', 1, maxUses) },
    { per: 'total' as const, uses: wholeNumber(total, '--total', 1, maxUses) },
  ];
  return given.flatMap(({ per, uses }) => (uses === undefined ? [] : [{ per, uses }]));
}

/** The class that the operations are of: config's have the names of memory's, so it is one class for both words. */
function classOf(ops: readonly string[]): string {
  const classes = new Set(ops.map((op) => op.split('.')[0] ?? ''));
  const [only] = classes;
  if (only === undefined) throw fail('cli.usage', 'say with --op what is allowed');
  if (classes.size > 1) throw fail('cli.usage', 'the operations of one grant are of one class');
  return only;
}

async function membersOf(flags: Flags, client: LocalClient): Promise<GrantMembers> {
  const { op: ops = [], resource = ['*'], agent = [], device = [] } = flags;
  const { devices, contacts } = await client.call('status', {});
  const contact = contacts.find(({ name }) => name === flags.contact);
  if (flags.contact !== undefined && !contact) throw fail('cli.no_device');
  const didOf = (name: string): Did | '*' => {
    const found = devices.find((known) => known.name === name);
    if (name !== '*' && !found) throw fail('cli.no_device');
    return (found?.did ?? '*') as Did | '*';
  };
  const nobodyNamed = agent.length === 0 && device.length === 0;
  return {
    label: flags.label ?? ops.join(' '),
    to: {
      owner: contact?.owner ?? null,
      agents: nobodyNamed ? ['*@*'] : agent,
      devices: nobodyNamed ? ['*'] : device.map(didOf),
    },
    decides: flags.broker ? 'broker' : 'gate',
    class: classOf(ops),
    ops,
    resources: resource,
    purpose: flags.purpose ?? '',
    ceilings: ceilingsOf(flags),
    approvals: { k: wholeNumber(flags.approvals, '--approvals', 0, 8) ?? 0, from: [] },
    exp: flags.expires === undefined ? null : Math.floor(systemClock() / 1000) + duration(flags.expires, '--expires'),
  };
}

export async function addGrant({ options, output }: Run): Promise<void> {
  const flags = options as Flags;
  classOf(flags.op ?? []);
  const here = hereDaemon();
  const members = await membersOf(flags, here.client);
  await extendChain(here, [{ kind: 'grant', members }]);
  output.document({ grant: members });
  output.line(`Granted: ${shown(members.label)}. See: caponier grant list`);
}

export async function revokeGrant({ args: [id = ''], output }: Run): Promise<void> {
  const here = hereDaemon();
  const { grants } = await here.client.call('view', {});
  const found = id.length >= shortId / 2 ? grants.filter((grant) => grant.id.startsWith(id)) : [];
  if (found.length !== 1) throw fail('cli.no_grant');
  const target = found[0]!.id;
  const report = await extendChain(here, [{ kind: 'revoke', members: { what: 'grant', target } }]);
  output.document({ revoked: target, ...report });
  output.line('The grant is revoked.');
  tellPushes(report, output);
}
