import { fail } from '@caponier/protocol';
import { maxNoteLength, type NoteKey, parseVkey } from '@caponier/tlog';
import { WITNESS_TIMEOUT_MS } from '../limits.ts';

/** A witness as the registry reaches it. Neither call is trusted: what comes back is verified against `key`. */
export interface WitnessClient {
  readonly key: NoteKey;
  /** POST /add-checkpoint of C2SP tlog-witness. Rejects when there is no answer. */
  addCheckpoint(body: string): Promise<{ readonly status: number; readonly text: string }>;
  /** The newest head it cosigned of the log, as a note; null where it never did. */
  head(origin: string): Promise<string | null>;
}

type Fetch = (input: string, init?: RequestInit) => Response | Promise<Response>;

/** A witness over HTTP. `url` is the prefix before `/add-checkpoint`; `fetch` brings its own pinning. */
export function httpWitness({ url, vkey, fetch }: { url: string; vkey: string; fetch: Fetch }): WitnessClient {
  const call = async (path: string, init: RequestInit) => {
    try {
      const answer = await fetch(new URL(path, url.endsWith('/') ? url : `${url}/`).href, {
        ...init,
        signal: AbortSignal.timeout(WITNESS_TIMEOUT_MS),
      });
      return { status: answer.status, text: await boundedText(answer) };
    } catch (cause) {
      throw fail('host.unreachable', 'witness', cause);
    }
  };
  return {
    key: parseVkey(vkey),
    addCheckpoint: (body) => call('add-checkpoint', { method: 'POST', body }),
    head: async (origin) => {
      const { status, text } = await call(`head?origin=${encodeURIComponent(origin)}`, {});
      if (status === 204) return null;
      if (status !== 200) throw fail('host.unreachable', `witness answered ${status}`);
      return text;
    },
  };
}

/** A hostile witness sends without end: nothing beyond the size of a note is read. */
async function boundedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > maxNoteLength) throw fail('log.bad_note', 'witness answer too long');
  }
  return text + decoder.decode();
}
