import type { RelayLimitName, RelayLimits } from '../limits.ts';
import { Buckets } from '../rates.ts';
import type { Steps } from '../rounds.ts';

/** The key under which all addresses together are counted. */
const everybody = '*';

/** What strangers have cost, by address (IPv6: /64). */
export class AddressBook {
  readonly challenges: Buckets;
  readonly failures: Buckets;
  readonly newOwners: Buckets;
  readonly newOwnersTogether: Buckets;

  constructor(limits: RelayLimits, hit: (limit: RelayLimitName) => void) {
    const { challengesPerMinute, failuresPerMinute, newOwnersPerHour, newOwnersPerHourPerAddress, addresses } = limits;
    const full = () => hit('addresses');
    const perMinute = (rate: number) => new Buckets({ burst: rate, perMinute: rate }, addresses, full);
    const perHour = (rate: number) => new Buckets({ burst: rate, perMinute: rate / 60 }, addresses, full);
    this.challenges = perMinute(challengesPerMinute);
    this.failures = perMinute(failuresPerMinute);
    this.newOwners = perHour(newOwnersPerHourPerAddress);
    this.newOwnersTogether = perHour(newOwnersPerHour);
  }

  /** Seconds for which an address that failed too often is not listened to; 0 for one that is. */
  barredFor(address: string, now: number): number {
    return this.failures.secondsUntil(address, now);
  }

  /** Counts an owner that comes for the first time. Yields the limit that bites, or null. */
  takeNewOwner(address: string, now: number): 'newOwnersPerHourPerAddress' | 'newOwnersPerHour' | null {
    if (!this.newOwners.take(address, now)) return 'newOwnersPerHourPerAddress';
    if (this.newOwnersTogether.take(everybody, now)) return null;
    this.newOwners.giveBack(address, now);
    return 'newOwnersPerHour';
  }

  giveBackNewOwner(address: string, now: number): void {
    this.newOwners.giveBack(address, now);
    this.newOwnersTogether.giveBack(everybody, now);
  }

  /** Seconds until `takeNewOwner` is worth another try. */
  newOwnerWait(address: string, now: number): number {
    return Math.max(this.newOwners.secondsUntil(address, now), this.newOwnersTogether.secondsUntil(everybody, now));
  }

  *round(clock: () => number): Steps {
    const all = [this.challenges, this.failures, this.newOwners, this.newOwnersTogether];
    for (const buckets of all) yield* buckets.round(clock);
  }
}
