/** Bytes of one mail's plaintext; with all that is added it fits a relay frame. */
export const maxMailPlaintext = 240 * 1024;
/** Message keys kept for mail that has not arrived, over all chains; the oldest make room. */
export const maxSkippedKeys = 512;
/** Messages one mail may be ahead of the last of its chain: each costs two hashes. */
export const maxJump = 2000;
/** Earlier chains of which header keys, and keys not yet used, are remembered. */
export const maxEarlierChains = 16;
/** Bytes of a stored session, far above what the counts allow. */
export const maxSessionStateBytes = 32 * 1024;
/** One-time keys a device has out at once; the oldest make room. */
export const maxOneTimeKeys = 100;
/** First messages remembered under one pair of last-resort keys. When it is full, nothing more begins with that pair. */
export const maxRemembered = 512;
