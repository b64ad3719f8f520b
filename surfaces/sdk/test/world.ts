import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, Secret, toBase64url } from '@caponier/crypto';
import { createGate, openGateStore } from '@caponier/gate';
import { personalPolicy } from '@caponier/policy';
import { type Did, encodeDid, registryWire, type Signer, seedSigner } from '@caponier/protocol';
import { createRegistry, httpWitness, openRegistryStore } from '@caponier/registry';
import { acceptWebSocket, createRelay, openRelayStore, relayServerOptions } from '@caponier/relay';
import { formatVkey, logKey, witnessKey } from '@caponier/tlog';
import { createNodeUpstream, createVault, openVault } from '@caponier/vault';
import { LogFollower, RegistryHttp } from '@caponier/verify';
import { createWitness, openWitnessStore } from '@caponier/witness';
import { Hono } from 'hono';
import { WebSocketServer } from 'ws';
import {
  createDevice,
  createTransport,
  type Device,
  type DeviceOptions,
  deviceKeysOf,
  type KeyValue,
  makeOwner,
  memoryKeyValue,
  type Platform,
  publishOwner,
  publishPolicy,
  type StartMaterial,
  signTicket,
  starterGrant,
  systemWait,
  type Transport,
} from '../src/index.ts';
import { call, callText } from '../src/platform/call.ts';
import { fetchOver } from '../src/platform/fetch.ts';
import { helloFor } from '../src/platform/hello.ts';
import { createResponse } from '../src/transport/response.ts';
import { followMemory } from '../src/views/memory.ts';

/** A whole deployment in one process: the real services, HTTP by call, the relay over a real socket. */

export const random: Random = (length) => new Uint8Array(randomBytes(length));
export const newSigner = (): Signer => seedSigner(Secret.from(random(32)));

export interface Home {
  readonly seed: Secret;
  readonly boxSeed: Secret;
  readonly store: KeyValue;
}

export interface World {
  readonly platform: Platform;
  readonly root: Signer;
  readonly start: StartMaterial;
  readonly relay: Signer;
  readonly relayUrl: string;
  /** Answers of a service may be changed on the way: what a lying one would say. */
  intercept: ((url: string, body: string | undefined) => Response | undefined) | null;
  /** The first device. */
  readonly laptop: Device;
  open(home: Home, start: StartMaterial, change?: Partial<DeviceOptions>): Device | Promise<Device>;
  readonly troubles: string[];
  close(): Promise<void>;
}

export const newHome = (): Home => ({
  seed: Secret.from(random(32)),
  boxSeed: Secret.from(random(32)),
  store: memoryKeyValue(),
});

const origin = 'log.test';

/** `ticket`: registry and relay take no new owner without a ticket of the operator, who is the owner. */
export async function makeWorld(admission: 'open' | 'ticket' = 'open'): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'caponier-sdk-'));
  const clock = () => Date.now();
  const troubles: string[] = [];
  const closing: (() => Promise<unknown> | unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const apps = new Map<string, Hono>();
  const keys = Object.fromEntries(
    ['witness', 'registry', 'relay', 'gate', 'vault'].map((name) => [name, newSigner()]),
  ) as Record<'witness' | 'registry' | 'relay' | 'gate' | 'vault', Signer>;
  const node = createTransport();
  closing.unshift(() => node.close());
  const state: { intercept: World['intercept'] } = { intercept: null };
  const transport: Transport = {
    async fetch(url, init = {}) {
      const body =
        init.body === undefined || typeof init.body === 'string' ? init.body : new TextDecoder().decode(init.body);
      const app = apps.get(new URL(url).hostname);
      if (!app) throw new Error(`no such service: ${url}`);
      const lied = state.intercept?.(url, body);
      const answer =
        lied ??
        (await app.request(url, {
          method: init.method ?? 'GET',
          headers: { ...init.headers },
          ...(body !== undefined && { body }),
          ...(init.signal && { signal: init.signal }),
        }));
      async function* pieces() {
        const reader = answer.body?.getReader();
        init.signal?.addEventListener('abort', () => void reader?.cancel().catch(() => {}), { once: true });
        try {
          while (reader) {
            const { done, value } = await reader.read();
            if (done) return;
            yield value;
          }
        } finally {
          await reader?.cancel().catch(() => {});
        }
      }
      return createResponse(answer.status, (name) => answer.headers.get(name), pieces(), init.maxBytes ?? 2 ** 24);
    },
    connect: (url, init) => node.connect(url, init),
    close: () => {},
  };
  const platform: Platform = { transport, clock, random, wait: systemWait };

  // Each opens a thread of its own: all at once.
  const [witnessStore, registryStore, gateStore, vaultStore, relayStore] = await Promise.all([
    openWitnessStore(join(folder, 'witness.db')),
    openRegistryStore(join(folder, 'registry.db')),
    openGateStore(join(folder, 'gate.db')),
    openVault(join(folder, 'vault.db')),
    openRelayStore(join(folder, 'relay.db')),
  ]);
  const root = newSigner();
  const witnessName = 'witness.test';
  const registryKey = keys.registry.did;
  const witness = createWitness({
    store: witnessStore,
    clock,
    signer: keys.witness,
    name: witnessName,
    logs: registryWire.logNames.map((log) => logKey(registryWire.originOf(origin, log), registryKey)),
    onFork: () => {},
  });
  apps.set('witness', witness.app);
  closing.unshift(() => witness.close());
  const url = (name: string) => `http://${name}`;
  const registry = await createRegistry({
    store: registryStore,
    clock,
    random,
    signer: keys.registry,
    origin,
    witnesses: [
      httpWitness({
        url: url('witness'),
        vkey: formatVkey(witnessKey(witnessName, keys.witness.did)),
        fetch: fetchOver(transport, null),
      }),
    ],
    k: 1,
    admission: admission === 'open' ? { mode: 'open' } : { mode: 'ticket', operators: [root.did] },
    services: [keys.gate.did, keys.vault.did],
  });
  apps.set('registry', registry.app);
  closing.unshift(() => registry.close());

  const anchor = { origin, key: registryKey, witnesses: [{ name: witnessName, key: keys.witness.did }], k: 1 };
  const registryService = {
    role: 'registry' as const,
    class: null,
    key: registryKey,
    url: url('registry'),
    pin: null,
    custody: 'same-user' as const,
  };
  const follow = async (signer: Signer, mode: 'full' | 'membership') => {
    const follower = await LogFollower.open({
      registry: new RegistryHttp({
        url: url('registry'),
        fetch: fetchOver(transport, null),
        signer,
        registry: registryKey,
        owner: null,
        random,
        clock,
      }),
      memory: followMemory(memoryKeyValue(), 'log'),
      anchor,
      mode,
      clock,
      wait: systemWait,
      alarm: () => {},
    });
    const running = follower.run();
    closing.unshift(async () => {
      follower.close();
      await running;
    });
    return follower;
  };
  const gate = createGate({
    store: gateStore,
    clock,
    random,
    signer: keys.gate,
    views: await follow(keys.gate, 'full'),
    sink: {
      async submit(leaves) {
        const headers = await helloFor(platform, registryService, keys.gate, null);
        const body = { leaves: leaves.map(toBase64url) };
        return (await call(transport, registryService, '/events', registryWire.EventsAnswer, { body, headers }))
          .indices;
      },
      prove: (leaf) => callText(transport, registryService, `/events/proof?index=${leaf}`),
    },
    custody: 'same-user',
    tls: null,
    onFailure: (error) => troubles.push(`gate ${String(error)}`),
  });
  apps.set('gate', gate.app);
  closing.unshift(() => gate.close());
  const vaultViews = await follow(keys.vault, 'full');
  const vault = await createVault({
    db: vaultStore,
    masterKey: Secret.from(random(32)),
    upstream: createNodeUpstream(),
    signer: keys.vault,
    views: vaultViews,
    random,
    clock,
  });
  const vaultApp = new Hono();
  vaultApp.post('/removals', async (c) => {
    const { statement, cosigns } = await c.req.json();
    await vaultViews.offer(statement, cosigns);
    return c.json({ id: toBase64url(new Uint8Array(32)) });
  });
  vaultApp.mount('/', vault.app.fetch);
  apps.set('vault', vaultApp);
  closing.unshift(() => vault.close());

  const relay = createRelay({
    store: relayStore,
    clock,
    random,
    signer: keys.relay,
    admission: admission === 'open' ? { kind: 'open' } : { kind: 'ticket', operators: [root.did] },
    every: (ms, work) => {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    views: await follow(keys.relay, 'membership'),
    limits: { challengesPerMinute: 1000, failuresPerMinute: 1000 },
  });
  const sockets = new WebSocketServer({ ...relayServerOptions, clientTracking: true });
  const server = createServer();
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, '127.0.0.1')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relayUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closing.unshift(async () => {
    relay.close();
    for (const ws of sockets.clients) ws.terminate();
    await new Promise((resolve) => server.close(resolve));
    await relayStore.close();
  });

  const home = newHome();
  const first = deviceKeysOf(home.seed, home.boxSeed);
  const listed = (role: 'gate' | 'worker' | 'relay', name: keyof typeof keys, of: string | null, at = url(name)) => ({
    ...registryService,
    role,
    class: of,
    key: keys[name].did,
    url: at,
  });
  const made = await makeOwner({
    signer: root,
    random,
    clock,
    device: { did: first.signer.did, box: encodeDid('x25519', first.box.publicKey), name: 'laptop' },
    approver: false,
    trust: {
      operators: [root.did],
      log: { origin, key: registryKey },
      broker: [],
      gate: [keys.gate.did],
      workers: [{ class: 'secret', keys: [keys.vault.did] }],
      witnesses: [...anchor.witnesses],
      k: 1,
      relays: [keys.relay.did],
    },
    services: [
      registryService,
      listed('gate', 'gate', null),
      listed('worker', 'vault', 'secret'),
      listed('relay', 'relay', null, relayUrl),
    ],
    policy: { name: 'personal', text: personalPolicy },
    grants: [starterGrant],
  });
  const hand = { ...platform, signer: root };
  const ticketOf = (aud: Did) => signTicket({ aud, uses: 1, lives: 3600 }, hand);
  const tickets = admission === 'open' ? [] : await Promise.all([registryKey, keys.relay.did].map(ticketOf));
  const start = { ...made.start, tickets };
  await publishOwner(platform, start, tickets[0]);
  const policy = { owner: made.start.owner, policy: made.policy!, text: personalPolicy };
  const opened: Device[] = [];
  const open = async (at: Home, start: StartMaterial, change: Partial<DeviceOptions> = {}) => {
    const { signer, box } = deviceKeysOf(at.seed, at.boxSeed);
    const device = await createDevice({
      ...platform,
      identity: { owner: start.owner, signer, box },
      start,
      store: at.store,
      onTrouble: (where, code) => troubles.push(`${where} ${code}`),
      ...change,
    });
    device.start();
    opened.push(device);
    return device;
  };
  const laptop = await open(home, start);
  await laptop.ready();
  await publishPolicy(platform, laptop.services(), policy);
  return {
    platform,
    root,
    start,
    relay: keys.relay,
    relayUrl,
    get intercept() {
      return state.intercept;
    },
    set intercept(change) {
      state.intercept = change;
    },
    laptop,
    open,
    troubles,
    async close() {
      await Promise.all(opened.map((device) => device.close()));
      for (const work of closing) await work();
    },
  };
}
