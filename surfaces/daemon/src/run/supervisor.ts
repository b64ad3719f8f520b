import { spawn } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fromBase64url, Secret, toBase64url, toHex } from '@caponier/crypto';
import { systemRandom } from '@caponier/host';
import { errorOfProblem, fail, type Signer, seedSigner } from '@caponier/protocol';
import { type Call, encodeFailure, encodeResult, maxCallLine, parseCall } from '@caponier/sdk';
import type { TalkHeard } from '../local-api.ts';
import type { Talk } from '../local-client.ts';
import type { RunAgentOptions } from '../types.ts';

/** Seconds that an agent's key lives, unless said otherwise. */
export const defaultLives = 12 * 3600;
/** What an agent may ask for, unless said otherwise: to use secrets, and to read memory. Never to see a secret, never a shell. */
const defaultClasses = ['secret', 'memory'];
const defaultOps = ['secret.use', 'memory.get', 'memory.search'];

/** Environment variables of the child: where its tools find the supervisor, and who it is. */
const socketVariable = 'CAPONIER_RUN_SOCKET';
const agentVariable = 'CAPONIER_AGENT';

/** Connections of the agent's tools at once. */
const maxTools = 16;

/**
 * Supervises one agent's process: makes a key of its own in memory, has the device delegate to it, starts the command in
 * this terminal, and answers its tools. Yields the command's exit code.
 *
 * Threat: the agent, or what it reads, wants the key or a secret. Measure: neither is in its process, its environment or a
 * file; it has a socket that takes calls. What remains: an agent of the same user can open the daemon's socket itself.
 */
export async function runAgent(options: RunAgentOptions): Promise<number> {
  const seed = Secret.from(systemRandom(32));
  const signer = seedSigner(seed);
  const talk = await options.client.talk('run', {
    type: 'start',
    agent: options.agent,
    key: signer.did,
    classes: [...(options.classes ?? defaultClasses)],
    ops: [...(options.ops ?? defaultOps)],
    resources: [...(options.resources ?? ['*'])],
    lives: options.lives ?? defaultLives,
  });
  const delegated = Promise.withResolvers<Extract<TalkHeard['run'], { type: 'delegated' }>>();
  delegated.promise.catch(() => {});
  const tools = new Tools(talk);
  const hearing = hear(talk, signer, tools, delegated.resolve).catch((error) => {
    delegated.reject(error);
    tools.failAll(error);
  });
  try {
    const { agent } = await delegated.promise;
    const path = join(options.runFolder, `run-${toHex(systemRandom(6))}.sock`);
    const server = await listen(path, tools);
    try {
      return await runChild(options, { [socketVariable]: path, [agentVariable]: agent });
    } finally {
      server.close();
      tools.close();
      rmSync(path, { force: true });
    }
  } finally {
    talk.close();
    seed.wipe();
    await hearing;
  }
}

async function hear(
  talk: Talk<'run'>,
  signer: Signer,
  tools: Tools,
  delegated: (line: Extract<TalkHeard['run'], { type: 'delegated' }>) => void,
): Promise<void> {
  for await (const said of talk.heard) {
    if (said instanceof Uint8Array) throw fail('cli.no_daemon', 'bytes in a run');
    switch (said.type) {
      case 'delegated':
        delegated(said);
        break;
      case 'sign':
        talk.say({
          type: 'signature',
          id: said.id,
          signature: toBase64url(await signer.sign(fromBase64url(said.message))),
        });
        break;
      case 'result':
        tools.answer(said.id, (id) => encodeResult(id, said.result));
        break;
      case 'refused':
        tools.answer(said.id, (id) => encodeFailure(id, errorOfProblem(said.error)));
        break;
      case 'asking':
        break;
    }
  }
  throw fail('cli.no_daemon', 'run ended');
}

/** The agent's tools on one side, the daemon on the other. */
class Tools {
  readonly #talk: Talk<'run'>;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Map<number, { readonly socket: Socket; readonly id: number }>();
  #next = 0;

  constructor(talk: Talk<'run'>) {
    this.#talk = talk;
  }

  take(socket: Socket): void {
    if (this.#sockets.size >= maxTools) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      if (rest.length > maxCallLine) return void socket.destroy();
      for (const line of lines) this.#call(socket, line);
    });
  }

  #call(socket: Socket, line: string): void {
    let call: Call;
    try {
      call = parseCall(line);
    } catch {
      // Whoever sends what is no call has no id to be answered under.
      return void socket.destroy();
    }
    const id = this.#next++;
    this.#waiting.set(id, { socket, id: call.id });
    this.#talk.say({ type: 'call', id, call: call.call, args: call.args });
  }

  answer(id: number, encode: (id: number) => string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting && !waiting.socket.destroyed) waiting.socket.write(encode(waiting.id));
  }

  failAll(error: unknown): void {
    for (const id of [...this.#waiting.keys()]) this.answer(id, (own) => encodeFailure(own, error));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function listen(path: string, tools: Tools): Promise<Server> {
  const server = createServer((socket) => tools.take(socket));
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(fail('host.bad_config', 'socket of the supervisor', cause)));
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
  return server;
}

/** The command in this terminal; signals of the terminal reach it by itself, those sent to us are passed on. */
function runChild({ command, env }: RunAgentOptions, added: Record<string, string>): Promise<number> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: 'inherit', env: { ...env, ...added } });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  const ignore = () => {};
  process.on('SIGTERM', passOn);
  process.on('SIGHUP', passOn);
  process.on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(fail('cli.usage', `cannot start ${program}`, cause)));
    child.once('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal!] ?? 0)));
  }).finally(() => {
    process.off('SIGTERM', passOn);
    process.off('SIGHUP', passOn);
    process.off('SIGINT', ignore);
  });
}
