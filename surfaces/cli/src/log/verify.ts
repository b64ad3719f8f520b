import { readFile, stat } from 'node:fs/promises';
import { systemClock } from '@caponier/host/home';
import { fail } from '@caponier/protocol';
import {
  type CapsuleReport,
  type CapsuleStory,
  maxCapsuleBytes,
  maxTrustFileBytes,
  verifyCapsule,
} from '@caponier/verify';
import type { Run } from '../command.ts';
import { type Output, shown } from '../terminal/output.ts';

/** The exit code of a refusal. */
const refused = 5;

/** Two files and nothing else: no home, no network. */
export async function runVerify({ args: [file = ''], options, output }: Run): Promise<void> {
  if (typeof options.trust !== 'string') throw fail('cli.usage', 'say with --trust what it is checked against');
  const trust = await readBounded(options.trust, maxTrustFileBytes, 'capsule.bad_trust_file');
  const capsule = await readBounded(file, maxCapsuleBytes, 'capsule.malformed');
  const report = await verifyCapsule(capsule, trust, { now: systemClock() });
  output.document(report);
  show(report, output);
  if (!report.ok) process.exitCode = refused;
}

async function readBounded(
  file: string,
  most: number,
  code: 'capsule.bad_trust_file' | 'capsule.malformed',
): Promise<Uint8Array> {
  try {
    // Before a byte of it is read.
    if ((await stat(file)).size > most) throw fail(code, 'too large');
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (error instanceof Error && 'errno' in error) throw fail('cli.no_file', file, error);
    throw error;
  }
}

function show({ ok, checks, failed, story, notProven }: CapsuleReport, output: Output): void {
  for (const check of checks) {
    output.line(`  ${check.ok ? output.style('green', '✓') : output.style('red', '✗')} ${check.name}`);
  }
  output.line();
  if (!ok) {
    output.line(
      `${output.style('red', 'failed:')} ${failed?.check ?? 'unknown'} [${failed?.code ?? 'capsule.refused'}]`,
    );
    return;
  }
  output.line(`${output.style('green', 'verified:')} ${checks.length} checks hold.`);
  if (story) tell(story, output);
  if (notProven.length > 0) output.line('Not proven:');
  for (const what of notProven) output.point(shown(what));
}

function tell(story: CapsuleStory, output: Output): void {
  const { owner, asker, op, resource, purpose, decision, rule, code, approvers, decidedAt, outcomes } = story;
  const time = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  output.table([
    ['owner', owner],
    ['asked', `${asker}: ${op} ${resource}`],
    ['why', purpose],
    ['decided', `${decision} by ${rule || code}, ${time(decidedAt)}`],
    ...(approvers.length > 0 ? [['yes of', approvers.join(', ')]] : []),
    ...outcomes.map(({ result, code: why, at }) => ['outcome', `${result} (${why}), ${time(at)}`]),
  ]);
}
