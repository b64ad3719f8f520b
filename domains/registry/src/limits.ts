/** The registry's own limits; those on the wire stand in `@caponier/protocol` (`registryWire`, `limits`). */

/** Bytes of any request body: 64 statements at their usual size many times over. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Bytes of request bodies that may wait to be sequenced; above it `store.unavailable`. */
export const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
/** Requests sequenced in one transaction. */
export const MAX_BATCH_JOBS = 256;
/** Milliseconds that a writer waits for the witnesses. What it wrote stands in the log, and a repeated request finds it. */
export const MAX_PUBLISH_WAIT_MS = 10_000;
/** Milliseconds one call to a witness may take. */
export const WITNESS_TIMEOUT_MS = 2_000;
/** Milliseconds that witnesses beyond the k-th are waited for. */
export const WITNESS_GRACE_MS = 100;
/** Milliseconds between two looks at whether a head is due; failed witnesses are asked again after as long. */
export const TICK_MS = 500;
/** Owners that one registry takes. */
export const MAX_OWNERS = 100_000;
/** Freezes of one owner in a day. Apart from the quota of statements, so that neither can be used up to stop the other. */
export const MAX_OWNER_FREEZES_PER_DAY = 100;
/** Freezes of one owner that may stand at once. */
export const MAX_STANDING_FREEZES = 1_000;
/** Replayed chains kept in memory. */
export const MAX_CACHED_VIEWS = 1_000;
/** Open streams of followers; above it HTTP 503. */
export const MAX_FOLLOWERS = 1_000;
/** Of these, streams of one key that somebody has named as a reader or service; unnamed ones get half of all together. */
export const MAX_FOLLOWERS_PER_KEY = 8;
/** `now` lines waiting for one follower, and their bytes; above either it is cut. */
export const MAX_NOW_LINES = 256;
export const MAX_NOW_BYTES = 1024 * 1024;
/** Milliseconds without reading after which a follower is cut: heads come every ten seconds, so there is always something. */
export const SLOW_FOLLOWER_MS = 30_000;
/** Leaves, and about how many bytes, in one read for a follower. */
export const MAX_PAGE_LEAVES = 256;
export const MAX_PAGE_BYTES = 256 * 1024;
/** Statements in one page of a chain. */
export const MAX_CHAIN_PAGE = 64;
/** Milliseconds in which an owner's quotas are counted. */
export const DAY_MS = 24 * 3600 * 1000;
/** Seconds after which a registry that is ending wants writers and followers back: its next start has to ask the witnesses. */
export const LEAVING_RETRY_SECONDS = 10;
