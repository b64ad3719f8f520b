import { readdirSync } from 'node:fs';
import type { Torture } from './types.ts';

const folder = new URL('./tortures/', import.meta.url);

/** The tortures there are, by name. */
export function tortureNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/** Loads one torture, and with it only the modules it needs. Nothing for a name that is none of ours. */
export async function loadTorture(name: string): Promise<Torture | undefined> {
  if (!tortureNames().includes(name)) return undefined;
  const module: { default: Torture } = await import(new URL(`${name}.ts`, folder).href);
  return module.default;
}
