/**
 * A vault in a process of its own, for tests that kill it or watch its system calls. Takes uses as lines of base64url on
 * standard input, answers each with a line of the HTTP status and the body, and says `ready` first.
 */
import { createInterface } from 'node:readline';
import { fromBase64url } from '@caponier/crypto';
import { usePath } from '@caponier/verify';
import { startVault, vaultOwner } from './harness.ts';

const vault = await startVault(process.argv[2]!, [await vaultOwner('ada')]);
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const response = await vault.app.request(usePath, { method: 'POST', body: new Uint8Array(fromBase64url(line)) });
  process.stdout.write(`${response.status} ${await response.text()}\n`);
}
await vault.close();
