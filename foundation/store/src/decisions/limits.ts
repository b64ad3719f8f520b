/** Submissions of one owner under way at once: they are decided one after another; above it `gate.busy`. */
export const MAX_DECIDING_PER_OWNER = 64;

/** Submissions under way at once in all; above it `gate.busy`. */
export const MAX_DECIDING = 1_024;

/** Submissions that one agent or device may make: at once, and a minute sustained; above it `host.rate_limited`. */
export const SUBMISSIONS = { burst: 120, perMinute: 240 } as const;

/** Submissions of all agents of one device, or of all devices and agents of one contact, likewise. */
export const GROUP_SUBMISSIONS = { burst: 480, perMinute: 960 } as const;

/** Agents and devices whose rate is remembered; the one longest silent is forgotten first, and starts full. */
export const MAX_RATES = 10_000;

/** How often a decision or report is made anew because a budget moved in between, before `gate.busy`. */
export const MAX_TRIES = 4;
