import { leafClassOf, type Payload, type Signer } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, manualClock, type TestOwner, testSigner } from '@caponier/testkit';

/** The owners, devices and relay of the measurement: the same in every process, by seed. */
export const relaySigner = testSigner('bench relay');

export interface People {
  readonly owner: string;
  /** The membership chain, in order. */
  readonly chain: readonly string[];
  readonly devices: readonly Signer[];
}

export async function makePeople(devices: number, name = 'bench'): Promise<People> {
  const owner: TestOwner = await makeOwner(name, { clock: manualClock(Date.now()) });
  const made = Array.from({ length: devices }, (_, n) => makeDevice(name, `device-${n}`, 'member'));
  for (const device of made) await owner.chain.add('enroll', enrolment(device));
  const chain = owner.chain.signed
    .filter(({ statement: { kind, payload } }) => leafClassOf(kind, payload as Payload<typeof kind>) === 'membership')
    .map(({ statement }) => statement.jws);
  return { owner: owner.id, chain, devices: made.map(({ signer }) => signer) };
}
