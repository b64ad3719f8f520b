interface Allowed {
  readonly path: string;
  /** Kinds, as the scan names them. */
  readonly types: readonly string[];
  readonly reason: string;
}

/** Fixtures that look like secrets and are none. An entry that matches nothing any more fails the scan. */
export const allowed: readonly Allowed[] = [
  {
    path: 'domains/classify/test/inspect.test.ts',
    types: ['credential.private_key', 'credential.aws_access_key_id'],
    reason: 'made-up examples that the classifier has to find',
  },
  {
    path: 'domains/vault/test/call.test.ts',
    types: ['credential.basic_auth'],
    reason: 'an address with a made-up password, which the vault has to refuse',
  },
];
