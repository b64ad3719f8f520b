export { createRelayClient, type RelayClient, type RelayClientOptions } from './client.ts';
export { joinMeeting } from './guest.ts';
export { type Registration, registerAtRelay } from './register.ts';
