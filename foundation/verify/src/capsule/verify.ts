import { CaponierError } from '@caponier/crypto';
import { type CapsuleCheck, capsuleOrder } from './checks.ts';
import { decodeCapsule } from './form.ts';
import { type CapsuleReport, notProvenBy, storyOf } from './report.ts';
import { openTrustFile, type TrustHistory } from './trust-file.ts';
import { CapsuleUnderCheck } from './under-check.ts';

/**
 * Judges a capsule by a trust file that came another way. `now` in milliseconds. Never throws for what the capsule
 * contains: the report names the check that failed. Throws `capsule.bad_trust_file`.
 */
export async function verifyCapsule(
  bytes: Uint8Array,
  trustFile: Uint8Array,
  { now }: { readonly now: number },
): Promise<CapsuleReport> {
  return judgeCapsule(bytes, openTrustFile(trustFile), now);
}

/** As `verifyCapsule`, with a trust file that is open already. */
export async function judgeCapsule(bytes: Uint8Array, history: TrustHistory, now: number): Promise<CapsuleReport> {
  const checks: { name: string; ok: boolean }[] = [];
  let capsule: CapsuleUnderCheck | undefined;
  const open: CapsuleCheck = {
    name: 'form',
    run: () => {
      capsule = new CapsuleUnderCheck(decodeCapsule(bytes), history, Math.floor(now / 1000));
    },
  };
  for (const { name, run } of [open, ...capsuleOrder]) {
    try {
      await run(capsule!);
      checks.push({ name, ok: true });
    } catch (error) {
      if (!(error instanceof CaponierError)) throw error;
      checks.push({ name, ok: false });
      return { ok: false, checks, failed: { check: name, code: error.code }, story: null, notProven: [] };
    }
  }
  return { ok: true, checks, failed: null, story: storyOf(capsule!), notProven: notProvenBy(capsule!) };
}
