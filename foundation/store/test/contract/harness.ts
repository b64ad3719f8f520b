import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a contract suite runs against: a port over storage that can be closed and opened again. */
export interface Backend<Port> {
  readonly port: Port;
  /** Closes and opens again over the same storage, as a restart does. */
  reopen(): Promise<Port>;
  close(): Promise<void>;
}

export type OpenBackend<Port> = () => Promise<Backend<Port>>;

/** A folder of its own for one backend. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'caponier-store-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export const utf8 = (text: string) => new TextEncoder().encode(text);
