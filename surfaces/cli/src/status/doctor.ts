import { CaponierError } from '@caponier/crypto';
import { homePath, refuseLoose, systemClock } from '@caponier/host/home';
import { entryOf, limits } from '@caponier/protocol';
import { createTransport } from '@caponier/sdk/net';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { nameOfService } from '../services/names.ts';
import { readProcesses } from '../up/processes.ts';

/** Milliseconds a service may take to answer. */
const answerMs = 3_000;

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

async function check(name: string, look: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    const { title, hint, code } = entryOf(error);
    return { name, ok: false, detail: `${title} ${hint} [${code}]` };
  }
}

/** Looks at everything that can be wrong without changing any of it. Exit code 1 where something is. */
export async function runDoctor({ output }: Run): Promise<void> {
  const { home, client } = hereDaemon();
  const transport = createTransport();
  const daemon = await client.call('status', {}).catch((error: unknown) => {
    if (error instanceof CaponierError) return null;
    throw error;
  });
  const checks: Check[] = [
    await check('Node', () => process.versions.node),
    await check('home', () => {
      refuseLoose(home.path);
      return homePath(process.env);
    }),
    await check('processes', () => {
      const processes = readProcesses(home)?.processes ?? [];
      const bad = processes.filter(({ state }) => state !== 'ready');
      if (processes.length === 0 || bad.length > 0) {
        throw new CaponierError('cli.not_ready', bad.map(({ name }) => name).join(', '));
      }
      return `${processes.length} run`;
    }),
    await check('daemon', () => {
      if (!daemon) throw new CaponierError('cli.no_daemon');
      return `pid ${daemon.pid}`;
    }),
  ];
  if (daemon) {
    checks.push(
      await check('relay', () => {
        if (daemon.relay !== 'connected') throw new CaponierError('relay.disconnected');
        return 'connected';
      }),
      await check('log', () => {
        const { trouble, age } = daemon.log;
        if (trouble) throw new CaponierError(trouble);
        if (age === null || age > limits.maxRegistryAgeSeconds) throw new CaponierError('owner.stale_view');
        return `${daemon.log.size} leaves, cosigned ${age} s ago`;
      }),
    );
  }
  const services = await Promise.all(
    (daemon?.services ?? []).map(({ role, class: of, url, pin, custody }) =>
      check(nameOfService(role, of), async () => {
        const begin = systemClock();
        const answer = await transport.fetch(`${url}/healthz`, { timeout: answerMs }, pin ?? undefined);
        await answer.text();
        return `${url} answers in ${systemClock() - begin} ms (${custody})`;
      }),
    ),
  );
  transport.close();
  checks.push(...services);
  output.document({ ok: checks.every(({ ok }) => ok), checks });
  output.table(checks.map(({ name, ok, detail }) => [ok ? '✓' : '✗', name, detail]));
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}
