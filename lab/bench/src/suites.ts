import { readdirSync } from 'node:fs';
import type { Suite } from './suite.ts';

const folder = new URL('./suites/', import.meta.url);

/** The suites there are, by name. */
export function suiteNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/** Loads one suite, and with it only the modules it measures. Nothing for a name that is none of ours. */
export async function loadSuite(name: string): Promise<Suite | undefined> {
  if (!suiteNames().includes(name)) return undefined;
  const module: { default: Suite } = await import(new URL(`${name}.ts`, folder).href);
  return module.default;
}
