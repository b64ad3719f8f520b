/** The relay in a code: an origin of http or https, as `encodeCode` wants it. */
export const originOfRelay = (url: string): string => new URL(url.replace(/^ws/, 'http')).origin;

/** The same as a WebSocket address. */
export const socketOfRelay = (url: string): string => url.replace(/^http/, 'ws');
