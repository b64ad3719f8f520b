/** The code of everything that `up` starts. Loading it starts nothing. */
export async function loadServices(): Promise<void> {
  await Promise.all([
    import('./process.ts'),
    import('./witness.ts'),
    import('./registry.ts'),
    import('./relay.ts'),
    import('./broker.ts'),
    import('./gate.ts'),
    import('./vault.ts'),
    import('./memory.ts'),
    import('./classify.ts'),
    import('../web/serve.ts'),
    import('@caponier/daemon'),
  ]);
}
