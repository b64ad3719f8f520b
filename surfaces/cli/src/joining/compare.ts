import type { JoinPeer } from '@caponier/sdk';
import { askYes } from '../terminal/input.ts';
import { type Output, shown } from '../terminal/output.ts';

/** Shows the safety number and asks whether the other end shows the same: what a middleman cannot arrange. */
export async function compare(
  { safetyNumber, peer }: { readonly safetyNumber: string; readonly peer: JoinPeer },
  output: Output,
  yes: boolean,
): Promise<boolean> {
  output.line();
  output.line(`safety number: ${output.style('bold', safetyNumber)}`);
  output.item({ type: 'compare', safetyNumber, peer: { name: peer.name, device: peer.device } });
  if (yes) return true;
  return askYes(`Does “${shown(peer.name)}” show the same number?`);
}
