/** Where mail lies in the device's store. */

export const outPrefix = 'mail/out/';
export const inPrefix = 'mail/in/';
export const seenPrefix = 'mail/seen/';
export const sessionKey = (did: string) => `mail/session/${did}`;
export const prekeysKey = 'mail/prekeys';
