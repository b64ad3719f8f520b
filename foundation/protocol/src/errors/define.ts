/** What a code means to the people and programs that meet it. */
export interface ErrorEntry {
  /** HTTP status of the RFC 9457 problem. */
  readonly status: number;
  /** What happened, for a person; holds no internal detail. */
  readonly title: string;
  /** What to do about it. */
  readonly hint: string;
  /** Exit code of the command line (design section 12): 1 error, 2 usage, 3 network, 4 no session, 5 refused. */
  readonly exit: 1 | 2 | 3 | 4 | 5;
  /** WebSocket close code, where the error ends a connection. */
  readonly close?: number;
}

/** Fixes the keys of a table as a union while checking its values. */
export function defineErrors<K extends string>(entries: Record<K, ErrorEntry>): Readonly<Record<K, ErrorEntry>> {
  return Object.freeze(entries);
}
