/** Where mail lies in the device's store. */

export const outPrefix = 'mail/out/';
export const inPrefix = 'mail/in/';
export const seenPrefix = 'mail/seen/';
/** Messages sent, whose receipt is waited for; receipts of ours that were not sent yet. */
export const sentPrefix = 'mail/sent/';
export const receiptPrefix = 'mail/receipt/';
export const sessionKey = (did: string) => `mail/session/${did}`;
export const prekeysKey = 'mail/prekeys';
