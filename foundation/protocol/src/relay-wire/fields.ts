import { fail } from '../errors/catalogue.ts';
import { maxStatementBytes } from '../limits.ts';

/** The parts that relay frames are made of. Each has one encoding, so what parses re-encodes to the same bytes. */
export interface Field<T> {
  size(value: T): number;
  /** Writes at `at`; yields where the next field begins. */
  write(value: T, into: DataView, at: number): number;
  read(from: Cursor): T;
}

/** Where reading stands. Every take is checked against the end before anything is copied or allocated. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** Moves past `count` bytes; yields where they begin. */
  take(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw fail('relay.protocol', 'a field is cut off');
    this.at = start + count;
    return start;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }
}

function whole(value: number, most: number): void {
  if (!Number.isInteger(value) || value < 0 || value > most) throw fail('relay.protocol', `number ${value}`);
}

export const u8: Field<number> = {
  size: () => 1,
  write(value, into, at) {
    whole(value, 0xff);
    into.setUint8(at, value);
    return at + 1;
  },
  read: (from) => from.view.getUint8(from.take(1)),
};

/** A byte that is 0 or 1 and nothing else. */
export const flag: Field<boolean> = {
  size: () => 1,
  write(value, into, at) {
    into.setUint8(at, value ? 1 : 0);
    return at + 1;
  },
  read(from) {
    const value = from.view.getUint8(from.take(1));
    if (value > 1) throw fail('relay.protocol', 'a flag that is neither 0 nor 1');
    return value === 1;
  },
};

/** One of these words, as the byte of its place; no other byte is read. */
export function choice<const W extends string>(words: readonly W[]): Field<W> {
  return {
    size: () => 1,
    write(value, into, at) {
      const place = words.indexOf(value);
      if (place < 0) throw fail('relay.protocol', 'not one of the words');
      into.setUint8(at, place);
      return at + 1;
    },
    read(from) {
      const word = words[from.view.getUint8(from.take(1))];
      if (word === undefined) throw fail('relay.protocol', 'a byte that stands for no word');
      return word;
    },
  };
}

export const u16: Field<number> = {
  size: () => 2,
  write(value, into, at) {
    whole(value, 0xffff);
    into.setUint16(at, value);
    return at + 2;
  },
  read: (from) => from.view.getUint16(from.take(2)),
};

export const u32: Field<number> = {
  size: () => 4,
  write(value, into, at) {
    whole(value, 0xffff_ffff);
    into.setUint32(at, value);
    return at + 4;
  },
  read: (from) => from.view.getUint32(from.take(4)),
};

/** 64 bits on the wire, at most 2^53 - 1: no reader may round a sequence number. */
export const u64: Field<number> = {
  size: () => 8,
  write(value, into, at) {
    whole(value, Number.MAX_SAFE_INTEGER);
    into.setBigUint64(at, BigInt(value));
    return at + 8;
  },
  read(from) {
    const value = from.view.getBigUint64(from.take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fail('relay.protocol', 'a sequence number above 2^53');
    return Number(value);
  },
};

function put(value: Uint8Array, into: DataView, at: number): number {
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(value, at);
  return at + value.length;
}

/** Exactly `length` bytes, copied out: frames may be cut from a buffer that is used again. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: () => length,
    write(value, into, at) {
      if (value.length !== length) throw fail('relay.protocol', `${value.length} bytes where ${length} belong`);
      return put(value, into, at);
    },
    read(from) {
      const start = from.take(length);
      return new Uint8Array(from.bytes.subarray(start, start + length));
    },
  };
}

/** 16 bits of length, then that many bytes; at most `most`. */
export function blob(most: number): Field<Uint8Array> {
  return {
    size: (value) => 2 + value.length,
    write(value, into, at) {
      whole(value.length, most);
      into.setUint16(at, value.length);
      return put(value, into, at + 2);
    },
    read(from) {
      const length = from.view.getUint16(from.take(2));
      if (length > most) throw fail('relay.protocol', 'a field is too long');
      const start = from.take(length);
      return new Uint8Array(from.bytes.subarray(start, start + length));
    },
  };
}

/** Everything to the end of the frame, at most `most` bytes. */
export function rest(most: number): Field<Uint8Array> {
  return {
    size: (value) => value.length,
    write(value, into, at) {
      whole(value.length, most);
      return put(value, into, at);
    },
    read(from) {
      if (from.left > most) throw fail('relay.too_large', `a body of ${from.left} bytes`);
      const start = from.take(from.left);
      return new Uint8Array(from.bytes.subarray(start));
    },
  };
}

/** The characters of a compact JWS: base64url and the dot. */
const statementPattern = /^[\w.-]*$/;
const latin1 = new TextDecoder('latin1');
const utf8 = new TextEncoder();

/** 16 bits of length, then a compact statement in ASCII. Empty stands for none. */
export const statement: Field<string> = {
  size: (value) => 2 + value.length,
  write(value, into, at) {
    if (!statementPattern.test(value)) throw fail('relay.protocol', 'not a compact statement');
    whole(value.length, maxStatementBytes);
    into.setUint16(at, value.length);
    return put(utf8.encode(value), into, at + 2);
  },
  read(from) {
    const length = from.view.getUint16(from.take(2));
    if (length > maxStatementBytes) throw fail('relay.protocol', 'a statement is too long');
    const start = from.take(length);
    const text = latin1.decode(from.bytes.subarray(start, start + length));
    if (!statementPattern.test(text)) throw fail('relay.protocol', 'not a compact statement');
    return text;
  },
};

/** Statements to the end of the frame, none of them empty; at most `most`. */
export function statements(most: number): Field<readonly string[]> {
  return {
    size: (value) => value.reduce((sum, text) => sum + statement.size(text), 0),
    write(value, into, at) {
      whole(value.length, most);
      if (value.includes('')) throw fail('relay.protocol', 'an empty statement');
      return value.reduce((to, text) => statement.write(text, into, to), at);
    },
    read(from) {
      const list: string[] = [];
      while (from.left > 0) {
        if (list.length === most) throw fail('relay.protocol', 'too many statements');
        const text = statement.read(from);
        if (text === '') throw fail('relay.protocol', 'an empty statement');
        list.push(text);
      }
      return list;
    },
  };
}
