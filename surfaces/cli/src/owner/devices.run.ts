import type { LocalClient } from '@caponier/daemon/client';
import { fail } from '@caponier/protocol';
import type { Draft } from '@caponier/sdk';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { extendChain } from '../home/hand.ts';
import { shown } from '../terminal/output.ts';
import { deviceNamed } from './devices.ts';
import { tellPushes } from './pushes.ts';

export async function listDevices({ output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const { devices } = await client.call('status', {});
  output.document({ devices });
  output.table(
    devices.map(({ name, role, approver, frozen }) => [
      name,
      role,
      [approver && 'approver', frozen && 'FROZEN'].filter(Boolean).join(', '),
    ]),
  );
}

/** A device that may say yes is revoked as both, so that nothing of it is left. */
export async function revokeDevice({ args: [name = ''], output }: Run): Promise<void> {
  const here = hereDaemon();
  const { did, approver } = await deviceNamed(here.client, name);
  if (did === here.identity.device) throw fail('cli.usage', 'this very device: revoke it from another one');
  const drafts: Draft[] = [{ kind: 'revoke', members: { what: 'device', target: did } }];
  if (approver) drafts.push({ kind: 'revoke', members: { what: 'approver', target: did } });
  const report = await extendChain(here, drafts);
  output.document({ revoked: name, did, ...report });
  output.line(`${shown(name)} is revoked.`);
  tellPushes(report, output);
}

export async function listApprovers({ output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const { approvers } = await client.call('view', {});
  output.document({ approvers });
  output.table(approvers.map(({ name, passkey }) => [name, passkey ? `passkey, ${passkey.rpId}` : 'device']));
}

export async function revokeApprover({ args: [name = ''], output }: Run): Promise<void> {
  const here = hereDaemon();
  const { key } = await approverNamed(here.client, name);
  const report = await extendChain(here, [{ kind: 'revoke', members: { what: 'approver', target: key } }]);
  output.document({ revoked: name, key, ...report });
  output.line(`${shown(name)} no longer says yes.`);
  tellPushes(report, output);
}

async function approverNamed(client: LocalClient, name: string) {
  const { approvers } = await client.call('view', {});
  const found = approvers.find((one) => one.name === name);
  if (!found) throw fail('cli.no_device');
  return found;
}
