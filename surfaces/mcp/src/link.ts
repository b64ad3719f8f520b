import { connect, type Socket } from 'node:net';
import type { CaponierError } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import {
  type Call,
  type CallArgs,
  type CallName,
  type CallResults,
  encodeCall,
  maxCallLine,
  parseReply,
} from '@caponier/sdk';

/** The environment variable in which `caponier run` tells its child where the supervisor listens. */
export const runSocketVariable = 'CAPONIER_RUN_SOCKET';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: CaponierError): void;
}

/** The line from an agent's tools to the supervisor that holds its key. */
export interface SupervisorLink {
  call<C extends CallName>(name: C, args: CallArgs<C>): Promise<CallResults[C]>;
  close(): void;
}

/** Connects to the supervisor. Throws `mcp.no_supervisor` when there is none. */
export async function linkToSupervisor(path: string | undefined): Promise<SupervisorLink> {
  if (!path) throw fail('mcp.no_supervisor', `no ${runSocketVariable}`);
  const socket = await open(path);
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let buffered = '';

  const end = (error: CaponierError) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    socket.destroy();
  };

  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    buffered += text;
    const lines = buffered.split('\n');
    buffered = lines.pop()!;
    if (buffered.length > maxCallLine) return end(fail('host.body_too_large', 'reply'));
    for (const line of lines) {
      try {
        const reply = parseReply(line);
        const caller = waiting.get(reply.id);
        waiting.delete(reply.id);
        if ('error' in reply) caller?.reject(reply.error);
        else caller?.resolve(reply.result);
      } catch (error) {
        return end(error as CaponierError);
      }
    }
  });
  socket.on('error', (cause) => end(fail('mcp.no_supervisor', 'connection lost', cause)));
  socket.on('close', () => end(fail('mcp.no_supervisor', 'connection closed')));

  return {
    call: (name, args) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(fail('mcp.no_supervisor', 'connection closed'));
        const id = next++;
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
        socket.write(encodeCall({ id, call: name, args } as Call));
      }),
    close: () => socket.destroy(),
  };
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) => reject(fail('mcp.no_supervisor', 'cannot connect', cause)));
  });
}
