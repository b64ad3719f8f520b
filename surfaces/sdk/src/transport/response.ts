import { fail } from '@caponier/protocol';
import type { TransportResponse } from './types.ts';

/** The answer over its raw pieces, with its size bounded before each piece is kept. */
export function createResponse(
  status: number,
  header: (name: string) => string | null,
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): TransportResponse {
  const declared = header('content-length');
  async function* bounded(): AsyncGenerator<Uint8Array> {
    let sum = 0;
    // Too large by its own word: not even the first piece is read.
    const tooLarge = declared !== null && Number(declared) > maxBytes;
    for await (const piece of pieces) {
      sum += piece.length;
      if (tooLarge || sum > maxBytes) throw fail('host.body_too_large', `answer above ${maxBytes} bytes`);
      yield piece;
    }
  }
  const body = bounded();
  const bytes = async () => {
    const kept: Uint8Array[] = [];
    let length = 0;
    for await (const piece of body) {
      kept.push(piece);
      length += piece.length;
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of kept) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  };
  const text = async () => new TextDecoder().decode(await bytes());
  return {
    status,
    header,
    body,
    bytes,
    text,
    async json() {
      const received = await text();
      try {
        return JSON.parse(received) as unknown;
      } catch {
        throw fail('host.unreachable', 'the answer is not JSON');
      }
    },
  };
}
