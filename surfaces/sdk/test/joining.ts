import type { Signer } from '@caponier/protocol';
import {
  type AddOptions,
  deviceKeysOf,
  type Joining,
  type JoinOptions,
  type JoinResult,
  joinByCode,
  signNeed,
} from '../src/index.ts';
import type { Home, World } from './world.ts';

/** Both sides of joining, each person saying yes unless told otherwise. */
export async function joinWith(
  { platform, laptop, root }: Pick<World, 'platform' | 'laptop' | 'root'>,
  home: Home,
  options: AddOptions & { readonly device: string; readonly root?: Signer; readonly contact?: string },
  people: { readonly adder?: boolean; readonly joiner?: boolean } = {},
  begin: (options: JoinOptions) => Joining = (join) => joinByCode(platform, join),
): Promise<{ readonly result: JoinResult; readonly numbers: readonly string[] }> {
  const { device, root: theirRoot, contact, ...add } = options;
  const adding = laptop.add(add);
  const numbers: string[] = [];
  let joined: Promise<JoinResult> | null = null;
  const join = async (code: string) => {
    const joining = begin({
      code,
      keys: deviceKeysOf(home.seed, home.boxSeed),
      device,
      ...(theirRoot && { root: theirRoot }),
      ...(contact !== undefined && { contact }),
    });
    for await (const event of joining.events) {
      if (event.type === 'compare') {
        numbers.push(event.safetyNumber);
        joining.confirm(people.joiner ?? true);
      } else if (event.type === 'sign') {
        joining.sign(await signNeed(event.need, { ...platform, signer: theirRoot! }));
      } else {
        await joining.stored();
        return event.result;
      }
    }
    throw new Error('no result');
  };
  try {
    for await (const event of adding.events) {
      if (event.type === 'code') {
        joined = join(event.code);
        joined.catch(() => {});
      } else if (event.type === 'compare') {
        numbers.push(event.safetyNumber);
        adding.confirm(people.adder ?? true);
      } else if (event.type === 'sign') {
        adding.sign(await signNeed(event.need, { ...platform, signer: root }));
      }
    }
  } catch (error) {
    await joined;
    throw error;
  }
  return { result: await joined!, numbers };
}
