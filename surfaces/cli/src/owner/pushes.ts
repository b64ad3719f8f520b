import type { PublishReport } from '@caponier/sdk';
import type { Output } from '../terminal/output.ts';

/** Who was told directly, how fast, and who did not acknowledge. */
export function tellPushes({ pushes, missing, slowestMs, sequenced, code }: PublishReport, output: Output): void {
  const told = pushes.length - missing.length;
  if (pushes.length > 0)
    output.line(`${told} of ${pushes.length} services acknowledged, the slowest after ${slowestMs} ms.`);
  if (missing.length > 0) {
    output.warning(`no acknowledgement from: ${missing.join(', ')}`);
  }
  if (!sequenced) output.warning(`not in the log yet [${code ?? 'unknown'}]`);
}
