import { fromBase64url, toBase64url } from '@caponier/crypto';
import type { Device, Performed } from '@caponier/sdk';
import type { LocalLines, LocalStreamArgs, LocalStreamName } from '../local-api.ts';
import type { LocalContext } from './context.ts';
import { Lines } from './lines.ts';

type Streams = {
  readonly [S in LocalStreamName]: (
    context: LocalContext,
    args: LocalStreamArgs<S>,
    signal: AbortSignal,
  ) => AsyncIterable<LocalLines[S]>;
};

/** What each stream says until its reader goes. */
export const streams: Streams = {
  letters: ({ device }, _args, signal) =>
    both(
      signal,
      () => device.mail.list(),
      (tell) => device.mail.onMail(tell),
    ),
  cards: ({ device }, _args, signal) =>
    both(
      signal,
      () => device.asks.list(),
      (tell) => device.asks.onCard(tell),
    ),

  perform({ device }, args, signal) {
    const lines = new Lines<LocalLines['perform']>();
    signal.addEventListener('abort', () => lines.end(), { once: true });
    const onAsk = (ask: { request: string; devices: number }) => lines.push({ type: 'asking', ...ask });
    perform(device, args, { onAsk, signal }).then(
      ({ request, result }) => {
        lines.push({ type: 'done', request, result });
        lines.end();
      },
      (error) => lines.end(error),
    );
    return lines;
  },
};

/** What is there already, oldest first, then what comes, each once. */
function both<T extends { readonly id: string }>(
  signal: AbortSignal,
  list: () => Promise<readonly T[]>,
  follow: (tell: (item: T) => void) => () => void,
): AsyncIterable<T> {
  const lines = new Lines<T>();
  const seen = new Set<string>();
  let early: T[] | null = [];
  const tell = (item: T) => {
    if (early) early.push(item);
    else if (!seen.has(item.id)) {
      seen.add(item.id);
      lines.push(item);
    }
  };
  // Followed before it is listed, so that nothing falls between the two.
  const stop = follow(tell);
  signal.addEventListener(
    'abort',
    () => {
      stop();
      lines.end();
    },
    { once: true },
  );
  list().then(
    (items) => {
      const late = early ?? [];
      early = null;
      for (const item of [...items, ...late]) tell(item);
    },
    (error) => lines.end(error),
  );
  return lines;
}

type PerformArgs = LocalStreamArgs<'perform'>;
type Options = { readonly onAsk: (ask: { request: string; devices: number }) => void; readonly signal: AbortSignal };

async function perform({ permits }: Device, args: PerformArgs, options: Options): Promise<Performed> {
  switch (args.what) {
    case 'secret.put':
      return permits.secrets.put(args.name, fromBase64url(args.value), args.hosts, { allowPrivate: args.allowPrivate });
    case 'secret.use':
      return permits.secrets.use(args.name, args.call, { purpose: args.purpose, ...options });
    case 'secret.reveal': {
      const revealed = await permits.secrets.reveal(args.name, { purpose: args.purpose, ...options });
      return { ...revealed, result: { value: toBase64url(revealed.result) } };
    }
    case 'secret.list':
      return permits.secrets.list(args.beginning);
    case 'secret.delete':
      return permits.secrets.delete(args.name);
    case 'memory.put':
      return permits.memory.put(args.place, args.text, { expected: args.expected, ...options });
    case 'memory.get':
      return permits.memory.get(args.place, { version: args.version, ...options });
    case 'memory.search':
      return permits.memory.search(args.beginning, args.query, { limit: args.limit, ...options });
    case 'classify.text':
      return permits.classify(args.text, options);
  }
}
