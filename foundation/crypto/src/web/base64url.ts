import { base64urlnopad } from '@scure/base';
import type { Base64url } from '../types.ts';

export const base64url: Base64url = {
  encode: (bytes) => base64urlnopad.encode(bytes),
  decode(text) {
    try {
      const bytes = base64urlnopad.decode(text);
      return base64urlnopad.encode(bytes) === text ? bytes : undefined;
    } catch {
      return undefined;
    }
  },
};
