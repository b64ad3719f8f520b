import type { Base64url } from '../types.ts';
import { plain } from './view.ts';

/** Buffer ignores what it does not understand, so the one canonical text is found by encoding again. */
export const base64url: Base64url = {
  encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url'),
  decode(text) {
    const bytes = Buffer.from(text, 'base64url');
    return bytes.toString('base64url') === text ? plain(bytes) : undefined;
  },
};
