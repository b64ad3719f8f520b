import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The file a `.ts` address means here. tsc rewrites import specifiers but not `new URL('./operations.ts', …)`, so in
 * built packages the same address names a file that is now `.js`.
 */
export function locate(url: URL): URL {
  if (url.protocol !== 'file:' || existsSync(fileURLToPath(url)) || !url.pathname.endsWith('.ts')) return url;
  return new URL(url.href.replace(/\.ts$/, '.js'));
}
