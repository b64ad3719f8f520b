import type { ErrorCode } from '@caponier/protocol';
import type { RelayLimitName, RelayLimits } from '../limits.ts';
import type { RelayFields, RelayLog } from '../log.ts';
import { Buckets } from '../rates.ts';
import { mostAtOnce, type Steps } from '../rounds.ts';
import type { Alerts } from './alerts.ts';

/** Whom lines are about, remembered at once; above it they are only counted. */
const mostSpells = 10_000;
const spellMs = 60_000;

type Spelled = 'relay.refused' | 'relay.cut';

interface Spell {
  readonly event: Spelled;
  readonly whom: RelayFields;
  code: ErrorCode;
  /** In the minute that began at `since`; of them, how many are in the log. */
  count: number;
  logged: number;
  since: number;
  alerted: boolean;
}

/**
 * What is said of refusals and cuts.
 *
 * Threat: whoever is refused in a loop writes the operator's disk full and hides what matters. Measure: of each address (or
 * device) the first line of a spell, then one a minute with the count; a number of lines a minute for all together, and
 * what is above it as one number. What remains in the log: that there was more, and how much.
 */
export class Spells {
  readonly #limits: RelayLimits;
  readonly #log: RelayLog;
  readonly #alerts: Alerts;
  readonly #hit: (limit: RelayLimitName) => void;
  readonly #spells = new Map<string, Spell>();
  readonly #lines: Buckets;
  readonly #readyLines: Buckets;
  #unlogged = 0;
  /** Refusals of all addresses in the minute that began at `since`. */
  #all = { count: 0, since: 0, alerted: false };

  constructor(limits: RelayLimits, log: RelayLog, alerts: Alerts, hit: (limit: RelayLimitName) => void) {
    this.#limits = limits;
    this.#log = log;
    this.#alerts = alerts;
    this.#hit = hit;
    this.#lines = new Buckets({ burst: limits.logLinesPerMinute, perMinute: limits.logLinesPerMinute }, 1);
    this.#readyLines = new Buckets({ burst: limits.logLinesPerMinute, perMinute: limits.logLinesPerMinute }, 1);
  }

  refused(address: string, code: ErrorCode, now: number): void {
    const spell = this.#note('relay.refused', { address }, code, now);
    const { refusalsAlert, refusalsAlertTogether } = this.#limits;
    if (spell && spell.count >= refusalsAlert && !spell.alerted) {
      spell.alerted = true;
      this.#hit('refusalsAlert');
      this.#alerts.raise('relay.refusals', { address, code, count: spell.count });
    }
    const all = this.#all;
    all.count += 1;
    if (all.count >= refusalsAlertTogether && !all.alerted) {
      all.alerted = true;
      this.#hit('refusalsAlertTogether');
      this.#alerts.raise('relay.refusals', { code, count: all.count });
    }
  }

  cut(whom: RelayFields, code: ErrorCode, now: number): void {
    this.#note('relay.cut', whom, code, now);
  }

  /** A device is connected: who comes and goes in a loop fills no disk either. */
  ready(device: string, owner: string | null, now: number): void {
    if (this.#readyLines.take('all', now)) this.#log('relay.ready', owner === null ? { device } : { device, owner });
    else {
      this.#hit('logLinesPerMinute');
      this.#unlogged += 1;
    }
  }

  #note(event: Spelled, whom: RelayFields, code: ErrorCode, now: number): Spell | undefined {
    const key = `${event} ${whom.device ?? whom.address}`;
    const known = this.#spells.get(key);
    if (known) {
      known.count += 1;
      known.code = code;
      return known;
    }
    if (this.#spells.size >= mostSpells) {
      this.#unlogged += 1;
      return undefined;
    }
    const spell: Spell = { event, whom, code, count: 1, logged: 0, since: now, alerted: false };
    this.#spells.set(key, spell);
    if (this.#line(event, { ...whom, code }, now)) spell.logged = 1;
    return spell;
  }

  #line(event: Spelled, fields: RelayFields, now: number): boolean {
    const may = this.#lines.take('all', now);
    if (may) this.#log(event, fields);
    else this.#hit('logLinesPerMinute');
    return may;
  }

  *round(clock: () => number): Steps {
    let now = clock();
    let looked = 0;
    for (const [key, spell] of this.#spells) {
      if (looked++ === mostAtOnce) {
        looked = 1;
        yield;
        now = clock();
      }
      // After a clock was set back, a minute from now.
      spell.since = Math.min(spell.since, now);
      if (now - spell.since < spellMs) continue;
      const { event, whom, code, count } = spell;
      const more = count - spell.logged;
      if (more > 0 && !this.#line(event, { ...whom, code, count }, now)) this.#unlogged += more;
      // A minute without any ends the spell.
      if (count === 0) this.#spells.delete(key);
      spell.count = 0;
      spell.logged = 0;
      spell.since = now;
    }
    this.#all.since = Math.min(this.#all.since, now);
    if (now - this.#all.since < spellMs) return;
    const { count: refusals, alerted } = this.#all;
    this.#all = { count: 0, since: now, alerted: alerted && refusals >= this.#limits.refusalsAlertTogether };
    const count = this.#unlogged + this.#alerts.takeUnlogged();
    this.#unlogged = 0;
    if (count > 0) this.#log('relay.unlogged', { count });
  }
}
