import type { LocalClient, LocalStreamArgs } from '@caponier/daemon/client';
import { fail } from '@caponier/protocol';
import { startProgress } from '../terminal/progress.ts';

/** One request of this device to its end; says on a terminal when somebody's yes is waited for. */
export async function perform<T>(
  client: LocalClient,
  args: LocalStreamArgs<'perform'>,
): Promise<{ readonly request: string; readonly result: T }> {
  const progress = startProgress('asking');
  try {
    for await (const line of client.stream('perform', args)) {
      if (line.type === 'done') return { request: line.request, result: line.result as T };
      const devices = line.devices === 1 ? 'one device' : `${line.devices} devices`;
      progress.say(`waiting for a yes: a card is on its way to ${devices} (caponier asks)`);
    }
  } finally {
    progress.stop();
  }
  throw fail('cli.no_daemon', 'ended without an answer');
}
