/** Milliseconds between two attempts to connect: the first, the longest; each doubles the one before. */
export const RETRY_FIRST = 1_000;
export const RETRY_MOST = 30_000;
/** Share by which each pause is made shorter or longer at random, so that a thousand clients do not return at once. */
export const RETRY_JITTER = 0.2;
/** Seconds to stay away at most because a relay says so: a hostile one shall not send us away for ever. */
export const RETRY_AFTER_MOST = 900;

/** Milliseconds from the connection to `welcome`, or to the meeting. */
export const GREETING_TIME = 15_000;
/** Milliseconds of silence after which the relay is asked, and after which the connection is given up. */
export const PING_AFTER = 40_000;
export const SILENT_AFTER = 80_000;
/** Milliseconds between two looks at that. */
export const TEND_EVERY = 10_000;

/** Seconds a `hello` is good for. */
export const HELLO_SECONDS = 60;

/** Mail that waits for its acceptance here; above it `relay.too_many`. */
export const OUTBOX_MAILS = 1_000;
export const OUTBOX_BYTES = 32 * 1024 * 1024;
/** Mail sent and not answered yet: bounds what is sent again after a break. */
export const OUTBOX_FLYING = 32;
/** Milliseconds to wait when the relay says that we send too fast: it gives back one mail a second. */
export const OUTBOX_PAUSE = 2_000;

/** Credit of a new stream at most, whatever the relay says: what it may keep here for a reader that stopped. */
export const MOST_WINDOW = 4 * 1024 * 1024;

/** Milliseconds after which a mail whose handler failed is tried again; doubled up to `RETRY_MOST`. */
export const HANDLER_RETRY = 1_000;
/** Bytes of mail given and not handled yet, many windows of a relay; above it the connection is broken off. */
export const INBOX_WAITING = 16 * 1024 * 1024;
/** What one mail costs besides its body, in these bytes: empty ones are not free. */
export const MAIL_COST = 256;
/** Bytes said in one meeting, several times what a relay lets through; above it the meeting is over. */
export const MEETING_BYTES = 8 * 1024 * 1024;
/** Handled mails that are remembered, in case they are given again: more than a relay has under way. */
export const INBOX_REMEMBERED = 256;
