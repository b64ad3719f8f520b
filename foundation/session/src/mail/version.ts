import { utf8 } from '@caponier/crypto';

/** Versions of the mail session we speak, lowest first. */
export const mailVersions: readonly number[] = [1];

/** Domain separation: every hash and key of a session names what it is for, and the version. */
export function mailLabel(version: number, purpose: string): Uint8Array {
  return utf8(`caponier mail ${version} ${purpose}`);
}
