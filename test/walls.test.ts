import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** A copy of the sources, so that a planted import never touches the checkout. */
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'walls-'));
  for (const folder of ['foundation', 'domains', 'surfaces', 'lab']) {
    await cp(join(root, folder), join(copy, folder), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist|test)(\/|$)/.test(path.slice(root.length - 1)),
    });
  }
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    await cp(join(root, file), join(copy, file));
  // Workspace links must lead into the copy, all else may come from the checkout.
  await run(
    'bash',
    [
      '-c',
      `mkdir -p node_modules/@caponier && for d in "$1"/node_modules/* "$1"/node_modules/.bin; do case "$d" in */@caponier|*/caponier) ;; *) ln -s "$d" node_modules/;; esac; done
     for d in foundation/* domains/* surfaces/* lab/*; do ln -s "$PWD/$d" node_modules/@caponier/; done; ln -s "$PWD/surfaces/cli" node_modules/caponier`,
      'bash',
      root.replace(/\/$/, ''),
    ],
    { cwd: copy },
  );
});

afterAll(() => rm(copy, { recursive: true, force: true }));

/** One file a rule, so that a line of the report belongs to one planted import. */
function plantedAs(file: string, rule: string): string {
  return file.replace('planted.ts', `planted-${rule}.ts`);
}

const planted: [rule: string, file: string, source: string][] = [
  ['no-domain-to-domain', 'domains/vault/src/planted.ts', "import '@caponier/broker';\n"],
  ['foundation-is-isomorphic', 'foundation/protocol/src/planted.ts', "import 'node:fs';\n"],
  ['foundation-goes-one-way-crypto', 'foundation/crypto/src/planted.ts', "import '@caponier/protocol';\n"],
  ['foundation-goes-one-way-tlog', 'foundation/tlog/src/planted.ts', "import '@caponier/verify';\n"],
  ['foundation-imports-nothing-above', 'foundation/verify/src/planted.ts', "import '@caponier/relay';\n"],
  ['domains-know-no-surface', 'domains/gate/src/planted.ts', "import '@caponier/sdk';\n"],
  ['surfaces-but-cli-know-no-domain', 'surfaces/daemon/src/planted.ts', "import '@caponier/vault';\n"],
  ['sdk-is-isomorphic', 'surfaces/sdk/src/planted.ts', "import 'node:net';\n"],
  ['sdk-stands-on-isomorphic-foundation', 'surfaces/sdk/src/planted.ts', "import '@caponier/store';\n"],
  ['nothing-ships-the-lab', 'surfaces/mcp/src/planted.ts', "import '@caponier/testkit';\n"],
];

const cruise = join(root, 'node_modules/.bin/depcruise');
const folders = ['foundation', 'domains', 'surfaces', 'lab'];

test('without a planted import, the walls of the checkout stand', async () => {
  await run(cruise, [...folders, '--output-type', 'err'], { cwd: copy });
});

describe('with one import planted for each wall', () => {
  let report: string;

  beforeAll(async () => {
    for (const [rule, file, source] of planted) await writeFile(join(copy, plantedAs(file, rule)), source);
    // The reporter of `npm run check`: it exits with the number of errors.
    report = await run(cruise, [...folders, '--output-type', 'err'], { cwd: copy }).then(
      () => expect.fail('the planted imports passed'),
      (error: { stdout: string }) => error.stdout,
    );
  });

  test.each(planted)('%s refuses an import in %s', (rule, file) => {
    expect(report).toContain(`error ${rule}: ${plantedAs(file, rule)} →`);
  });
});

test('npm run check cruises the same folders by the same rules', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['check:walls']).toBe(`depcruise ${folders.join(' ')} --output-type err`);
  expect(scripts.check).toContain('check:walls');
});
