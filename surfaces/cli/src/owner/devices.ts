import type { LocalClient, LocalResults } from '@caponier/daemon/client';
import { fail } from '@caponier/protocol';

export type DeviceLine = LocalResults['status']['devices'][number] & { readonly did: `did:key:z${string}` };

/** Throws `cli.no_device`. */
export async function deviceNamed(client: LocalClient, name: string): Promise<DeviceLine> {
  const { devices } = await client.call('status', {});
  const found = devices.find((device) => device.name === name);
  if (!found) throw fail('cli.no_device');
  return found as DeviceLine;
}
