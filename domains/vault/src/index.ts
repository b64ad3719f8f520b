export type { Call } from './call/form.ts';
export { originOf } from './call/hosts.ts';
export type { FilledCall } from './call/inject.ts';
export {
  createNodeUpstream,
  MAX_ANSWER_BYTES,
  MAX_CALL_MS,
  type NodeUpstreamOptions,
  type RawAnswer,
  type Upstream,
} from './call/upstream.ts';
export { MASTER_KEY_BYTES } from './keys/keyring.ts';
export { openVault, type VaultDatabase } from './store/open.ts';
export { MAX_SECRETS } from './store/secrets.ts';
export { createVault, revealContext, type Vault, type VaultOptions, vaultClass } from './vault.ts';
