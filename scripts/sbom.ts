import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Writes `sbom.cdx.json` (CycloneDX): what the published packages are made of, from the lock file alone, so that it needs no
 * network and shows nothing that is only installed here. `node scripts/sbom.ts [folder]`, by default `build/`.
 *
 * Not by `--omit dev`: npm then leaves out what is shipped, too, where some other package uses it for development. The tools
 * are taken out here, by npm's own mark.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? `${root}build`;

interface Component {
  readonly 'bom-ref': string;
  readonly purl: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}
interface Bom {
  components: Component[];
  dependencies: { readonly ref: string; dependsOn: string[] }[];
}

const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--loglevel', 'error'];
const run = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', words, {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  shell: process.platform === 'win32',
});
if (run.status !== 0) {
  console.error(`error: npm sbom did not succeed\nhint: ${run.stderr?.trim() || 'npm 10 or newer is needed'}`);
  process.exit(1);
}

const lab = globSync('lab/*/package.json', { cwd: root }).map(
  (path) => (JSON.parse(readFileSync(`${root}${path}`, 'utf8')) as { name: string }).name,
);
const isShipped = ({ purl, properties = [] }: Component) =>
  !properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true') &&
  !lab.some((name) => decodeURIComponent(purl).startsWith(`pkg:npm/${name}@`));

const bom = JSON.parse(run.stdout) as Bom;
const gone = new Set(
  bom.components.filter((component) => !isShipped(component)).map((component) => component['bom-ref']),
);
bom.components = bom.components.filter(isShipped);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => !gone.has(ref))
  .map((entry) => ({ ...entry, dependsOn: entry.dependsOn.filter((ref) => !gone.has(ref)) }));

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/sbom.cdx.json`, `${JSON.stringify(bom, null, 2)}\n`);
console.log(`${folder}/sbom.cdx.json`);
