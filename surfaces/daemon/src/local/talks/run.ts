import { fromBase64url, toBase64url } from '@caponier/crypto';
import { type Did, fail, problemOf } from '@caponier/protocol';
import { type Asker, type CallName, type CallResults, parseCall } from '@caponier/sdk';
import { performCall } from '../../run/calls.ts';
import type { LocalContext } from '../context.ts';
import type { TalkHandler, TalkSide } from './talk.ts';

/** Calls of one agent under way at once. */
const maxCallsUnderWay = 32;

/**
 * `caponier run`: the daemon delegates to the key that the supervisor holds, and carries the agent's calls. Each
 * signature of the agent is made by the supervisor, so the daemon cannot act for an agent that does not run.
 */
export const run =
  ({ device }: LocalContext): TalkHandler<'run'> =>
  async (talk, { agent, key, classes, ops, resources, lives }) => {
    const { name } = await device.status();
    const full = `${agent}@${name}`;
    const delegate = await device.permits.delegate({ agent: full, key, classes, ops, resources, lives });
    const { exp } = delegate.payload;
    talk.say({ type: 'delegated', agent: full, device: name, owner: device.owner, expires: exp });

    const signatures = new Signatures(talk);
    const asker: Asker = {
      agent: full,
      delegations: [delegate.jws],
      signer: { did: key as Did, sign: (message) => signatures.ask(message) },
    };
    const self: CallResults['whoami'] = {
      agent: full,
      device: name,
      owner: device.owner,
      expires: exp,
      classes,
      ops,
      resources,
    };

    let underWay = 0;
    for (let said = await talk.next(); said !== null; said = await talk.next()) {
      if (said instanceof Uint8Array || said.type === 'start') throw fail('host.bad_body', 'run');
      if (said.type === 'signature') {
        signatures.answer(said.id, fromBase64url(said.signature));
        continue;
      }
      const { id } = said;
      if (underWay >= maxCallsUnderWay) {
        talk.say({ type: 'refused', id, error: problemOf(fail('host.busy', 'calls of an agent')) });
        continue;
      }
      underWay++;
      const onAsk = (ask: { request: string; devices: number }) => talk.say({ type: 'asking', id, ...ask });
      // Checked again here: the supervisor is another process.
      const work = async () =>
        performCall(device, self, asker, parseCall(JSON.stringify({ id, call: said.call, args: said.args })), {
          onAsk,
          signal: talk.signal,
        });
      work()
        .then(
          (result) => talk.say({ type: 'result', id, result: result as CallResults[CallName] }),
          (error) => talk.say({ type: 'refused', id, error: problemOf(error) }),
        )
        .finally(() => underWay--);
    }
  };

/** Signatures asked of the supervisor and not answered yet. */
class Signatures {
  readonly #talk: TalkSide<'run'>;
  readonly #waiting = new Map<number, (signature: Uint8Array) => void>();
  #next = 0;

  constructor(talk: TalkSide<'run'>) {
    this.#talk = talk;
  }

  ask(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#talk;
      if (signal.aborted) return reject(fail('mcp.no_supervisor', 'gone'));
      const id = this.#next++;
      this.#waiting.set(id, resolve);
      signal.addEventListener('abort', () => reject(fail('mcp.no_supervisor', 'gone')), { once: true });
      this.#talk.say({ type: 'sign', id, message: toBase64url(message) });
    });
  }

  answer(id: number, signature: Uint8Array): void {
    this.#waiting.get(id)?.(signature);
    this.#waiting.delete(id);
  }
}
