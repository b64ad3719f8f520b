import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type Stage } from './stage.ts';

interface Report {
  ok: boolean;
  checks: { name: string; ok: boolean }[];
  notProven: string[];
}

/** One capsule, one trust file, and a stranger who finds out. */
export async function auditor(stage: Stage, request: string): Promise<void> {
  const laptop = stage.machine('laptop');
  const capsule = join(stage.folder, 'request.capsule');
  const trust = join(stage.folder, 'owner.trust');
  await laptop.run('log', 'capsule', request, '-o', capsule);
  await laptop.run('log', 'trust', '-o', trust);
  stage.say('laptop  caponier log capsule …    one file with everything; the trust file goes another way');

  const stranger = stage.machine('auditor');
  const report = await stranger.ask<Report>('verify', capsule, '--trust', trust);
  expect(report.ok, 'the capsule verifies in a home that knows only the trust file');
  stage.say(`auditor caponier verify           ${report.checks.length} checks hold; not proven:`);
  for (const sentence of report.notProven) stage.say(`  - ${sentence}`);

  const bytes = await readFile(capsule);
  const at = randomInt(bytes.length);
  bytes[at]! ^= 0x01;
  const forged = join(stage.folder, 'forged.capsule');
  await writeFile(forged, bytes);
  const verdict = await stranger.finish(['verify', forged, '--trust', trust]);
  expect(verdict.code === 5, `byte ${at} changed: refused\n${verdict.output}${verdict.errors}`);
  const named = /(?:failed|error):?\s+(.+)/i.exec(verdict.output + verdict.errors)?.[1] ?? '';
  expect(named !== '', 'the failing check is named');
  stage.say(`auditor one byte changed          refused: ${named.trim()}`);
}
