import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, rootFlag, type Stage } from '../stage.ts';

const copyOf = (stage: Stage) => join(stage.folder, 'registry-before');

/** Keeps the registry's database as it is now, for an operator who later wishes that less had happened. */
export function keepRegistry(stage: Stage): void {
  cpSync(join(stage.machine('laptop').home, 'data', 'registry'), copyOf(stage), { recursive: true });
}

/** A registry with its real key on that older database, beside a witness that has seen more. Yields its own refusal. */
export async function rolledBackRegistry(stage: Stage): Promise<string> {
  const { home } = stage.machine('laptop');
  const old = stage.machine('rolled-back');
  for (const part of ['keys', 'deployment.json']) cpSync(join(home, part), join(old.home, part), { recursive: true });
  cpSync(copyOf(stage), join(old.home, 'data', 'registry'), { recursive: true });
  for (const folder of ['keys', 'data', 'data/registry']) chmodSync(join(old.home, folder), 0o700);
  const { code, output } = await old.finish(['registry', '--port', '0', '--json', ...rootFlag]);
  expect(code !== 0, 'the registry does not start');
  return (JSON.parse(output.trim().split('\n').at(-1)!) as { error: { code: string } }).error.code;
}
