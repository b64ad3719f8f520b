/** Asks a gate for permits, one after another, and prints `ACK <n>` once each is answered. */
import { writeSync } from 'node:fs';
import { makeGate, secretRequest } from './harness.ts';

const gate = await makeGate();
for (let n = 0; n < Number(process.argv[2]); n++) {
  await gate.permit(await secretRequest(gate.owner), { key: `permit-number-${n}-end` });
  writeSync(1, `ACK ${n}\n`);
}
await gate.close();
