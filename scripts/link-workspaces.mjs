// For mutation runs, which test a changed copy of the sources: workspace links of the copy must lead into the copy, or its
// packages would test those of the checkout instead. Everything else is found in the checkout's node_modules above it.
import { globSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

for (const file of globSync('{foundation,domains,surfaces,lab}/*/package.json')) {
  const link = resolve('node_modules', JSON.parse(readFileSync(file, 'utf8')).name);
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(resolve(dirname(file)), link);
}
