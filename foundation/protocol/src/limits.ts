/** Limits that both sides of a wire must agree on. Each room's own limits stand beside its code (design section 12). */

/** Bytes of a compact statement. */
export const maxStatementBytes = 16 * 1024;
/** Bytes of a compact `request`, which travels with every call. */
export const maxRequestBytes = 4 * 1024;
/** Statements in one bundle, and their bytes together. */
export const maxBundleStatements = 512;
export const maxBundleBytes = 1024 * 1024;

/** Seconds by which two clocks may differ. */
export const clockSkewSeconds = 60;
/** Seconds by which witness time and our clock may differ before a view is not trusted. */
export const viewSkewSeconds = 20;
/** Seconds after which a view is too old for permits. */
export const maxRegistryAgeSeconds = 30;
/** Seconds after which a view is too old for shells from one's own controllers. */
export const maxShellRegistryAgeSeconds = 15 * 60;
/** Seconds behind the newest cosignature at which a service refuses to act. */
export const maxServiceLagSeconds = 60;
/** Seconds between two cosignatures of a quiet log. */
export const quietLogSeconds = 10;

/** Seconds a permit may live: default, least, most. */
export const permitSeconds = { default: 300, min: 60, max: 1800 } as const;
/** How deep agents may delegate below their device. */
export const maxDelegationDepth = 3;
/** Counters of one request that may arrive out of order. */
export const useCounterWindow = 1024;
/** Statements an owner may write in a day. */
export const maxOwnerStatementsPerDay = 1000;

/** Bytes of one relay frame. */
export const maxFrameBytes = 256 * 1024;
/** Mail waiting for one recipient. */
export const maxPendingMail = 500;
export const maxPendingMailBytes = 16 * 1024 * 1024;
/** Codes one owner may have open, and seconds a code may live. */
export const maxOpenCodes = 20;
export const maxCodeSeconds = 7 * 24 * 3600;
/** Seconds a meeting may last. */
export const meetingSeconds = 600;
