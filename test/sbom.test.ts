import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** `npm run sbom` names what is shipped, with hashes, and nothing that is not. */

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly externalReferences?: readonly { readonly type: string; readonly url: string }[];
}

test('the bill of materials has every shipped dependency with its hash, and none of the tools', {
  timeout: 60_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-sbom-'));
  try {
    const run = spawnSync(process.execPath, [join(root, 'scripts/sbom.ts'), folder], { encoding: 'utf8' });
    expect(run.status, run.stderr).toBe(0);
    const { bomFormat, components } = read(join(folder, 'sbom.cdx.json')) as {
      bomFormat: string;
      components: Component[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const named = new Set(components.map(({ purl }) => decodeURIComponent(purl)));
    for (const path of globSync('{foundation,domains,surfaces}/*/package.json', { cwd: root })) {
      const { dependencies, optionalDependencies } = read(join(root, path));
      for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies })) {
        expect([...named], path).toContain(`pkg:npm/${name}@${version}`);
      }
    }
    for (const { name, purl, hashes } of components) {
      if (!/^pkg:npm\/(@caponier\/|caponier@)/.test(decodeURIComponent(purl)))
        expect(
          hashes?.map(({ alg }) => alg),
          name,
        ).toContain('SHA-512');
    }
    for (const tool of ['vitest', 'typescript', '@stryker-mutator/core', '@caponier/testkit']) {
      expect([...named].filter((purl) => purl.startsWith(`pkg:npm/${tool}@`))).toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
